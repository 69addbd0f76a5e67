/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text as one word of a shell script, or as one scalar of a YAML document. Whatever the text
 * holds, nothing in it means anything to whoever reads the result. The caller frees it.
 */
#ifndef DETOURD_POSTFIX_QUOTE_H
#define DETOURD_POSTFIX_QUOTE_H

/* Between single quotes, in which a POSIX shell knows no special character but the single quote. */
char *quote_shell(const char *text);

/* A flow scalar (YAML 1.2, 7.3) on one line. TEXT must be UTF-8. */
char *quote_yaml(const char *text);

/* The same for Ansible, which would else take "{{", "{%" and "{#" for the beginning of a template:
 * marked as !unsafe where it holds a brace of that kind. */
char *quote_ansible(const char *text);

#endif
