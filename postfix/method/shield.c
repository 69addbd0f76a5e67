/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/method/shield.h"

#include "lib/memory.h"
#include "postfix/base/text.h"
#include "postfix/host/table.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What tells a postmaster why a message with a reply 5XX is still there. */
#define KEPT "; kept by detourd"

/* Ends a failure for now of the relay's; what the owner's filter makes of it follows. */
#define MARK "; marked by detourd"

/* The beginning of a pattern, of its answer's and of a whole rule. Without the flag m, "." matches
 * a newline too, as a reply to AUTH may have (smtp_sasl_glue.c). */
#define STATUS     "\\.[0-9]+\\.[0-9]+ "
#define KEPT_RULE  "/^5(" STATUS "%s)$/ 4${1}" KEPT "\n"
#define MARK_RULE  "/^(4" STATUS "%s)$/ ${1}" MARK "\n"
#define OWNER_RULE "/^(4" STATUS ".*)" MARK ",5" STATUS ".*$/ ${1}" KEPT "\n"

/* A text without a bracket is no server's: there the owner's filter has put its own words to a
 * verdict. */
#define VERDICT                      \
    "5\\.(1\\.(1|2|10)|2\\.[0-9]+) " \
    "(host .* said: .*\\(in reply to RCPT TO command\\)|[^[]*)$/"

/* Postfix as a relay judges everybody in reply to RCPT TO (smtpd_delay_reject), and says whom. */
#define OF_SOMEBODY_ELSE                                                \
    "/ said: .* (Sender address|Client host|Helo command) rejected: .*" \
    "\\(in reply to RCPT TO command\\)$/"

/* What smtp(8) says of a host: what stands before its name, and behind. */
static const struct {
    const char *before, *behind;
} about[] = { { "([^][]*[ =])?", "([ :[].*)?" },
              { "SASL \\[CACHED\\] authentication failed; server ", " said: .*" },
              { "mail for \\[", "\\].*" } };

#define ABOUT (sizeof about / sizeof about[0])

/* HOST is quoted. */
static char *text_about(size_t n, const char *host)
{
    return memory_format("%s%s%s", about[n].before, host, about[n].behind);
}

/* HOST is quoted; NULL for all. */
static void write_rules(FILE *out, const char *guard, const char *host)
{
    fprintf(out, "if %s\n", guard);
    if (host == NULL)
        fprintf(out, KEPT_RULE, ".*");
    for (size_t n = 0; host != NULL && n < ABOUT; n++) {
        char *text = text_about(n, host);
        fprintf(out, KEPT_RULE, text);
        free(text);
    }
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
    write_rules(out.out, "!/^" VERDICT, pattern);
    write_rules(out.out, OF_SOMEBODY_ELSE, pattern);
    if (host != NULL)
        fputs("if !/" MARK "," VERDICT "\n" OWNER_RULE "endif\n", out.out);
    free(pattern);
    text_close(&out);
    return out.bytes;
}

char *shield_marks(const char *host)
{
    char *pattern = quoted(host);
    struct text out;

    text_open(&out);
    fputs("# What a relay refuses for now, to be held against the owner's filter.\n", out.out);
    for (size_t n = 0; n < ABOUT; n++) {
        char *text = text_about(n, pattern);
        fprintf(out.out, MARK_RULE, text);
        free(text);
    }
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

/* A table of theirs asked through ours, MARKS (NULL: none) beside it. */
static void write_judged(FILE *out, const char *path, const char *marks, const char *table)
{
    fputs(", pipemap:{", out);
    if (marks != NULL)
        fprintf(out, "unionmap:{regexp:%s,", marks);
    write_doubled(out, table);
    fprintf(out, "%s,regexp:%s}", marks != NULL ? "}" : "", path);
}

/* Our table comes first: a lookup that fails ends the list (maps.c), and then the message would
 * bounce. Each of theirs is first asked through ours, for what it would make of a failure for now.
 */
char *shield_filter(const char *path, const char *marks, const char *theirs)
{
    struct names names = tables_split(theirs);
    struct text out;

    text_open(&out);
    fprintf(out.out, "regexp:%s", path);
    for (size_t i = 0; i < names.count; i++) {
        if (marks != NULL)
            write_judged(out.out, path, marks, names.name[i]);
        write_judged(out.out, path, NULL, names.name[i]);
        fputs(", ", out.out);
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
