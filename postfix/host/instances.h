/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other instances of Postfix on this host (MULTI_INSTANCE_README): each has its own
 * configuration, queue and processes, and none of them is touched.
 */
#ifndef DETOURD_POSTFIX_INSTANCES_H
#define DETOURD_POSTFIX_INSTANCES_H

#include "postfix/host/view.h"
#include <jansson.h>
#include <stddef.h>

struct instance {
    char *name; /* as "postmulti -l" has it; the directory's where it has none */
    char *directory;
};

struct instances {
    struct instance *item;
    size_t count;
};

/* "the instance postfix-out of Postfix (/etc/postfix-out)"; the caller frees it. */
char *instance_words(const struct instance *instance);

/* All but the one that VIEW is of. Where the first instance cannot be asked, those that are known
 * without it. */
struct instances instances_besides(const struct view *view);
void instances_free(struct instances *instances);

/* The output of "postmulti -l" and the words of alternate_config_directories, less OWN. */
struct instances instances_parse(const char *listed, const char *alternate, const char *own);

/* [{"name": "postfix-out", "directory": "/etc/postfix-out"}] */
json_t *instances_json(const struct instances *instances);

#endif
