/* SPDX-License-Identifier: BSD-2-Clause */
/* What detour-apply says of Postfix that an operator should hear of: once when it begins, and once
 * when it ends. */
#ifndef DETOURD_POSTFIX_NEWS_H
#define DETOURD_POSTFIX_NEWS_H

#include <jansson.h>
#include <stdbool.h>

/* What was said of it is in the log; zeroed at first. */
struct postfix_news {
    bool stands_down, holds_back;
};

/* MEMBERS as inquiry_members() has them; NULL is allowed. */
void postfix_news_log(struct postfix_news *news, const json_t *members);

/* Somebody else has edited what is ours in main.cf: theirs stands, and only an operator's release
 * lets us change anything again. */
bool postfix_has_drift(const json_t *members);

#endif
