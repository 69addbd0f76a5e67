/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/shield.h"

#include "lib/memory.h"
#include "postfix/table.h"
#include "postfix/text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What tells a postmaster why a message with a reply 5XX is still there. */
#define KEPT "; kept by detourd"

/* The beginning of a pattern, of its answer's and of a whole rule. Without the flag m, "." matches
 * a newline too, as a reply to AUTH may have (smtp_sasl_glue.c). */
#define STATUS     "^5(\\.[0-9]+\\.[0-9]+ "
#define ANSWER     "4${1}" KEPT
#define RULE(text) "/" STATUS text ")$/ " ANSWER "\n"

/* A text without a bracket is no server's: there the owner's filter has put its own words to a
 * verdict. */
#define VERDICT                        \
    "/^5\\.(1\\.(1|2|10)|2\\.[0-9]+) " \
    "(host .* said: .*\\(in reply to RCPT TO command\\)|[^[]*)$/"

/* Postfix as a relay judges everybody in reply to RCPT TO (smtpd_delay_reject), and says whom. */
#define OF_SOMEBODY_ELSE                                                \
    "/ said: .* (Sender address|Client host|Helo command) rejected: .*" \
    "\\(in reply to RCPT TO command\\)$/"

static void write_rules_about(FILE *out, const char *host)
{
    fprintf(out, RULE("([^][]*[ =])?%s([ :[].*)?"), host);
    fprintf(out, RULE("SASL \\[CACHED\\] authentication failed; server %s said: .*"), host);
    fprintf(out, RULE("mail for \\[%s\\].*"), host);
}

/* HOST is quoted; NULL for all. */
static void write_rules(FILE *out, const char *guard, const char *host)
{
    fprintf(out, "if %s\n", guard);
    if (host == NULL)
        fputs(RULE(".*"), out);
    else
        write_rules_about(out, host);
    fputs("endif\n", out);
}

/* As an extended regular expression. smtp(8) drops the prefix of an IPv6 literal (host_port.c). */
static char *quoted(const char *host)
{
    struct text out;

    if (strncasecmp(host, "ipv6:", 5) == 0)
        host += 5;
    text_open(&out);
    for (; *host != '\0'; host++) {
        if (strchr(".[]()*+?{}|^$\\/", *host) != NULL)
            fputc('\\', out.out);
        fputc(*host, out.out);
    }
    text_close(&out);
    return out.bytes;
}

char *shield_table(const char *host)
{
    char *pattern = host == NULL ? NULL : quoted(host);
    struct text out;

    text_open(&out);
    fputs("# What a relay refuses waits, but for verdicts on a recipient.\n", out.out);
    write_rules(out.out, "!" VERDICT, pattern);
    write_rules(out.out, OF_SOMEBODY_ELSE, pattern);
    free(pattern);
    text_close(&out);
    return out.bytes;
}

static void write_doubled(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '$')
            fputc('$', out);
        fputc(*text, out);
    }
}

/* Our table comes first: a lookup that fails ends the list (maps.c), and then the message would
 * bounce. Each of theirs is first asked through ours, for what it would make of a failure for now.
 */
char *shield_filter(const char *path, const char *theirs)
{
    struct names names = tables_split(theirs);
    struct text out;

    text_open(&out);
    fprintf(out.out, "regexp:%s", path);
    for (size_t i = 0; i < names.count; i++) {
        fputs(", pipemap:{", out.out);
        write_doubled(out.out, names.name[i]);
        fprintf(out.out, ",regexp:%s}, ", path);
        write_doubled(out.out, names.name[i]);
    }
    text_close(&out);
    names_free(&names);
    return out.bytes;
}

bool shield_kept(const char *reason)
{
    size_t n = strlen(reason), mark = sizeof KEPT - 1;

    return n >= mark && strcmp(reason + n - mark, KEPT) == 0;
}
