/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Postfix itself makes of a configuration directory: asked of postconf(1), never guessed.
 *
 * A view may be taken of a staged copy; every mention of that copy's path in a value is then
 * turned back into the path of the directory that it stands for.
 */
#ifndef DETOURD_POSTFIX_VIEW_H
#define DETOURD_POSTFIX_VIEW_H

#include "postfix/base/why.h"
#include <stdbool.h>
#include <stddef.h>

/* A list of "name = value" lines as postconf prints them. */
struct parameters;

struct parameters *parameters_parse(const char *text);
void parameters_free(struct parameters *p);
size_t parameters_count(const struct parameters *p);
const char *parameters_name(const struct parameters *p, size_t n);
const char *parameters_nth(const struct parameters *p, size_t n);
/* The value; NULL where the name does not occur. */
const char *parameters_value(const struct parameters *p, const char *name);

struct view;

/* What a switch has to know of the configuration in DIRECTORY, a copy of HOME (or HOME itself).
 * NULL with a reason. */
struct view *view_read(const char *directory, const char *home, struct why *why);
void view_free(struct view *view);

/* What a view is made of: the answers of postconf(1), and main.cf itself. NULL stands for "". */
struct view_texts {
    char *expanded;     /* "-x" */
    char *raw;          /* without an option */
    char *written;      /* "-n" */
    char *overrides;    /* "-xP" */
    char *services;     /* "-M" */
    char *map_types;    /* "-m" */
    char *sasl_clients; /* "-A" */
    char *main_cf;
};

/* The texts are the view's from then on. */
struct view *view_new(struct view_texts *texts);

/* Whether NAME is one of the parameters that a view has; the three that follow may be asked for no
 * other. A build with sanitizers stops at one, since "" would hide the slip. */
bool view_knows(const char *name);
/* A parameter with every $name replaced; "" where this Postfix does not know it. */
const char *view_value(const struct view *view, const char *name);
/* The same for the service smtp/unix: an "-o" of master.cf's counts before main.cf. */
const char *view_smtp_value(const struct view *view, const char *name);
/* As it is written, or by default. */
const char *view_raw(const struct view *view, const char *name);
/* The value of an "-o name=value" in master.cf; NULL where there is none. */
const char *view_override(const struct view *view, const char *service, const char *name);
/* As main.cf sets it; NULL where it does not. */
const char *view_written(const struct view *view, const char *name);
/* Every "-o name=value" in master.cf, the names as "service/type/name". */
const struct parameters *view_overrides(const struct view *view);
/* The text of main.cf. */
const char *view_main_cf(const struct view *view);

/* A line of master.cf. */
struct view_service {
    char *name;    /* "smtp/unix" */
    char *command; /* "smtp" */
};

size_t view_service_count(const struct view *view);
const struct view_service *view_service(const struct view *view, size_t n);
/* The command of a service, "" where there is none of that name. */
const char *view_command(const struct view *view, const char *service);
/* Whether a map type, or a SASL client, is one that this Postfix has. */
bool view_has_map_type(const struct view *view, const char *type);
bool view_has_sasl_client(const struct view *view, const char *type);

/* What "postconf -n" says of DIRECTORY: the parameters of main.cf, unexpanded; *WARNINGS (the
 * caller frees it) is what it had to say on stderr. Paths are turned back as above. */
struct parameters *view_explicit(const char *directory, const char *home, char **warnings,
                                 struct why *why);

/* What "postconf -Mf" says of DIRECTORY: the entries of master.cf. The caller frees it. */
char *view_entries(const char *directory, const char *home, struct why *why);

/* Some parameters (a list of at most 32 that ends with NULL) in DIRECTORY, their $names replaced or
 * as they are written. */
struct parameters *view_some(const char *directory, bool expanded, const char *const names[],
                             struct why *why);

/* The value of one parameter in DIRECTORY, its $names replaced; NULL with a reason. The caller
 * frees it. */
char *view_one(const char *directory, const char *name, struct why *why);

/* TEXT with every FROM replaced by TO; the caller frees it. */
char *replace_all(const char *text, const char *from, const char *to);

#endif
