# SPDX-License-Identifier: BSD-2-Clause
#
# For minions with mode = fragment: applies what detourd asks for, and says so. Put it behind whatever
# else writes main.cf. Where nothing waits, nothing is done.
#
# The states themselves are the minion's own file, which salt-call reads there.
{% set fragments = '/etc/postfix/detourd/fragments' %}
{% set generation = salt['file.readlink'](fragments ~ '/current') if salt['file.is_link'](fragments ~ '/current') else '' %}
{% if generation %}
detourd-whole:
  cmd.run:
    - name: sha256sum --strict --check --quiet SHA256SUMS
    - cwd: {{ fragments }}/{{ generation }}
    - unless: sha256sum --strict --check --status SHA256SUMS

detourd-apply:
  cmd.run:
    - name: salt-call --local --retcode-passthrough --file-root={{ fragments }}/{{ generation }} state.apply salt
    - unless: detourctl status --json | grep -q '"state":"applied"'
    - require:
      - cmd: detourd-whole

detourd-applied:
  cmd.run:
    - name: detourctl applied {{ generation }}
    - onchanges:
      - cmd: detourd-apply
{% endif %}
