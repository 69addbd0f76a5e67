#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   update.sh SOURCES TEMPLATE    write what can be translated to TEMPLATE
#
# Whatever file of the report or of detourctl has a sentence in _(), N_() or PLURAL() counts.
set -eu
export LC_ALL=C
cd "$1"
"${XGETTEXT:-xgettext}" --language=C --from-code=UTF-8 --add-location=file --sort-by-file --no-wrap \
    --keyword --keyword=_ --keyword=N_ --keyword=PLURAL:1,2 --add-comments=Translators: \
    --flag=_:1:pass-c-format --flag=N_:1:pass-c-format --flag=PLURAL:1:pass-c-format \
    --flag=PLURAL:2:pass-c-format --flag=text_add:2:c-format --flag=advice_say:2:c-format --flag=memory_format:1:c-format \
    --flag=usage_error:2:c-format --flag=printf:1:c-format --flag=fprintf:2:c-format \
    --flag=snprintf:3:c-format \
    --package-name=detourd --copyright-holder= --output="$2" daemon/report/*.c daemon/ctl/*.c
