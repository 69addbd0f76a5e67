/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of check_text(), each of which adds nothing where its member of the document is null
 * or missing. */
#ifndef DETOURD_REPORT_CHECK_PARTS_H
#define DETOURD_REPORT_CHECK_PARTS_H

#include "daemon/report/layout.h"
#include <jansson.h>

/* What stands below a heading stands behind this. */
#define INDENT "  "

/* An empty line, and HEADING as a paragraph. */
void add_heading(struct text *t, const struct layout *layout, const char *heading);

/* The fault of this host's for which certificates fail, once for both families. */
void add_own_fault(struct text *t, const struct layout *layout, const json_t *document);

/* The targets and controls of one verdict. */
void add_targets(struct text *t, const struct layout *layout, const char *family,
                 const json_t *verdict);

/* Where packets to port 25 end, in a sentence and hop by hop. */
void add_trace(struct text *t, const struct layout *layout, const json_t *document);
void add_local_rules(struct text *t, const struct layout *layout, const json_t *document);
void add_provider(struct text *t, const struct layout *layout, const json_t *document);
void add_reputation(struct text *t, const struct layout *layout, const json_t *document);
void add_submission(struct text *t, const struct layout *layout, const json_t *document);

/* Its ports that do not work, COUNT in all: a line a reason, and six lines at most. */
void add_submission_failures(struct text *t, const struct layout *layout, const json_t *const row[],
                             size_t count);

/* The likely cause, and the next step. */
void add_cause(struct text *t, const struct layout *layout, const json_t *document);

/* The likely cause in a sentence, "" where there is none. The caller frees it. */
char *cause_words(const json_t *document);

/* "a.example, b.example, ...": the targets that are not open, at most MOST of them. The caller
 * frees it. */
char *failing_targets(const json_t *verdict, size_t most);

/* Whether one sentence can speak of both verdicts: they are of one name, and where that is "remote"
 * they are so for the sake of the same targets. */
bool verdicts_alike(const json_t *one, const json_t *other);

/* Whether a row of the outcomes tells of port 25: the target had an address, and it was this
 * round's turn to try it. */
bool was_tried(const json_t *row);

/* The control that answered, as "ADDRESS:PORT"; "" where none did. The document owns it. */
const char *answered_control(const json_t *verdict);

/* Whether controls answered, and every one by a refusal: the network is up, but it may be that it
 * lets nothing out. */
bool controls_refuse(const json_t *verdict);

#endif
