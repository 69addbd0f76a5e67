/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thing that a mail operator looks at, looked up: it asks the DNS a few questions and comes to
 * a finding by its deadline. What is asked, and what the answers mean, is each kind's own affair;
 * this is what they have in common.
 */
#ifndef DETOURD_EXAMINATION_H
#define DETOURD_EXAMINATION_H

#include "daemon/probe/dns.h"
#include "daemon/probe/records.h"
#include "lib/address.h"
#include <stdbool.h>
#include <stdint.h>

enum reputation_check {
    REPUTATION_PTR,
    REPUTATION_HELO,
    REPUTATION_SPF,
    REPUTATION_RELAY_SPF,
    REPUTATION_DKIM,
    REPUTATION_DMARC,
    REPUTATION_DNSBL,
};
#define REPUTATION_CHECKS 7

/* What an operator makes of it. */
enum reputation_rating {
    REPUTATION_OK,
    REPUTATION_WARNING, /* some hold it against a host */
    REPUTATION_BAD,     /* large ones refuse mail for it */
    REPUTATION_UNKNOWN, /* it could not be found out */
};

/* "ptr", "helo", ...; "ok", "warning", ...: the words used in JSON. */
const char *reputation_check_name(enum reputation_check check);
const char *reputation_rating_name(enum reputation_rating rating);

#define FINDING_DETAIL 512

struct finding {
    enum reputation_check check;
    bool has_family; /* it is about the address of FAMILY */
    enum family family;
    enum reputation_rating rating;
    char name[HOST_MAX + 1];     /* REPUTATION_PTR: the reverse name, or one of them; or empty */
    char detail[FINDING_DETAIL]; /* one phrase, printable */
};

/* FINDING is valid during the call alone; the examination is gone when it returns. */
typedef void examination_done(const struct finding *finding, void *context);

/* Whoever waits for a finding, and until when. */
struct examination_plan {
    struct dns *dns; /* outlives the examination */
    int64_t deadline_ms;
    examination_done *callback; /* comes once, always from the loop */
    void *context;
};

struct examination;

/* Ends it without its callback. NULL is allowed; so is the call inside the callback. */
void examination_stop(struct examination *examination);

/*
 * For the kinds
 */

/* ADDRESS says which family it is about; it may be NULL. STATE belongs to the examination from
 * here on, and FREE_STATE ends it; both may be NULL. */
struct examination *examination_new(const struct examination_plan *plan,
                                    enum reputation_check check, const struct address *address,
                                    void *state, void (*free_state)(void *state));

void *examination_state(const struct examination *examination);
struct dns *examination_dns(const struct examination *examination);
int64_t examination_deadline(const struct examination *examination);

/* ANSWER is valid during the call alone. LEFT more questions of the examination are under way. */
typedef void examination_step(struct examination *examination, const struct record_answer *answer,
                              size_t left);

/* At most EXAMINATION_QUESTIONS at a time; one too many is not asked. */
#define EXAMINATION_QUESTIONS 12
void examination_ask(struct examination *examination, const char *name, enum record_type type,
                     examination_step *step);

/* The finding; what is under way ends, and the callback comes from the loop. A second call is
 * ignored. */
void examination_finish(struct examination *examination, enum reputation_rating rating,
                        const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The name in the finding to come. */
void examination_name(struct examination *examination, const char *name);

/* Whether the answer says neither yes nor no. */
bool examination_is_failure(const struct record_answer *answer);

/* Whether ADDRESS is among the records. */
bool examination_holds(const struct record_answer *answer, const struct address *address);

/* RECORD_A or RECORD_AAAA. */
enum record_type examination_address_type(const struct address *address);

#endif
