/* SPDX-License-Identifier: BSD-2-Clause */
/* master.cf: our services come and go without a trace; what others do to it meanwhile, whose each
 * entry is then, what is said, and what is left when the mark comes off. */
#include "tests/unit/unit.h"

#include "postfix/cf/master_cf.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SES                                                                         \
    "detour-ses unix -       -       n       -       -       smtp\n"                \
    "    -o smtp_sasl_password_maps=hash:/etc/postfix/detourd/private/7/ses.sasl\n" \
    "    -o smtp_tls_security_level=secure\n"
#define TLS                                                                         \
    "detour-ses_tls unix -   -       n       -       -       smtp\n"                \
    "    -o smtp_sasl_password_maps=hash:/etc/postfix/detourd/private/7/ses.sasl\n" \
    "    -o smtp_tls_wrappermode=yes\n"
#define SMTP "smtp      unix  -       -       y       -       -       smtp\n"
#define UUCP                                                         \
    "uucp      unix  -       n       n       -       -       pipe\n" \
    "  flags=Fqhu user=uucp argv=uux -r -n -z -a$sender\n"
#define OWNER   "# mine\n" SMTP UUCP
#define BEGIN   "# detourd: begin transport generation 7\n"
#define NOTICE  "# Written by detour-apply(8); \"detour-apply remove\" takes it out again.\n"
#define THEIRS  "theirs    unix  -       -       n       -       -       smtp\n  -o a=b\n"
#define PRIVATE "hash:/etc/postfix/detourd/private/7/ses.sasl"

static struct main_cf *parse(const char *text)
{
    struct main_cf *cf = main_cf_parse(text, strlen(text));

    assert_non_null(cf);
    return cf;
}

static void two(struct services *services)
{
    services_add(services, "detour-ses/unix", SES);
    services_add(services, "detour-ses_tls/unix", TLS);
}

static char *entered(const char *original)
{
    struct main_cf *cf = parse(original);
    struct services services = { 0 };
    size_t len;

    two(&services);
    char *text = master_mark_set(cf, 7, &services, &len);
    assert_int_equal(len, strlen(text));
    services_free(&services);
    main_cf_free(cf);
    return text;
}

static struct master_mark *read_mark(const char *text, const char *record)
{
    struct main_cf *cf = parse(text), *written = record == NULL ? NULL : parse(record);
    struct master_mark *mark = master_mark_read(cf, written);

    main_cf_free(cf);
    main_cf_free(written);
    return mark;
}

static char *removed(const char *text, const struct master_mark *mark)
{
    struct main_cf *cf = parse(text);
    size_t len;
    char *out = master_mark_remove(cf, mark, &len);

    assert_int_equal(len, strlen(out));
    main_cf_free(cf);
    return out;
}

static const char *const originals[] = {
    "",
    OWNER,
    "smtp unix - - y - - smtp",
    "smtp unix - - y - - smtp\n  -o a=b",
    "# comments\n\n  # alone\n",
    "\n",
    "smtp unix - - y - - smtp\n  ",
    "smtp unix - - y - - smtp\r\n  -o a=b\r\n",
    "  continues nothing\nsmtp unix - - y - - smtp\n#",
    "one\n  unix - - y - - smtp\n",
    "smtp unix - - y - - smtp\n" NOTICE,
};

static void what_is_entered_comes_off(void **state)
{
    struct services services = { 0 };

    (void)state;
    two(&services);
    for (size_t i = 0; i < sizeof originals / sizeof originals[0]; i++) {
        char *text = entered(originals[i]);
        assert_memory_equal(text, originals[i], strlen(originals[i]));
        for (int recorded = 0; recorded < 2; recorded++) {
            struct master_mark *mark = read_mark(text, recorded ? text : NULL);
            assert_int_equal(mark->drift_count, 0);
            assert_int_equal(mark->generation, 7);
            assert_true(mark->legible);
            assert_false(mark->gone);
            assert_true(services_equal(&mark->services, &services));
            for (size_t k = 0; k < services.count; k++)
                assert_int_equal(mark->claims[k], CLAIM_OURS);
            char *after = removed(text, mark);
            assert_string_equal(after, originals[i]);
            free(after);
            master_mark_free(mark);
        }
        free(text);
    }
    services_free(&services);
}

static void just_this_is_written(void **state)
{
    char *text = entered(OWNER);
    const char *end = strstr(text, "# detourd: end ");

    (void)state;
    assert_non_null(end);
    assert_int_equal(strlen(end), strlen("# detourd: end 0123456789abcdef\n"));
    assert_memory_equal(text, OWNER BEGIN NOTICE SES TLS, (size_t)(end - text));
    free(text);
}

/* NEEDLE replaced by WITH; an empty one stands for the end, and NULL for the whole file. */
static char *edit(const char *text, const char *needle, const char *with)
{
    const char *hit = needle == NULL      ? text
                      : needle[0] == '\0' ? text + strlen(text)
                                          : strstr(text, needle);
    char *out = NULL;
    size_t len, skip = needle == NULL ? strlen(text) : strlen(needle);

    if (hit == NULL)
        fail_msg("no \"%s\" in\n%s", needle, text);
    FILE *stream = open_memstream(&out, &len);
    fprintf(stream, "%.*s%s%s", (int)(hit - text), text, with, hit + skip);
    fclose(stream);
    return out;
}

static void expect_drift(const char *text, const struct master_mark *mark, const char *word)
{
    for (size_t i = 0; i < mark->drift_count; i++)
        if (word != NULL && strstr(mark->drift[i], word) != NULL)
            return;
    if (word != NULL)
        fail_msg("\"%s\" is not said (%s) of\n%s", word,
                 mark->drift_count == 0 ? "nothing is" : mark->drift[0], text);
    if (mark->drift_count > 0)
        fail_msg("\"%s\" is said of\n%s", mark->drift[0], text);
}

struct other_hand {
    const char *needle, *with; /* the edit */
    const char *says;          /* a word of the drift, or NULL for none */
    enum claim claim;          /* on detour-ses */
    const char *after;         /* master.cf when the mark is off */
};

#define COMMENTED                                                                    \
    "#detour-ses unix -       -       n       -       -       smtp\n"                \
    "#    -o smtp_sasl_password_maps=hash:/etc/postfix/detourd/private/7/ses.sasl\n" \
    "#    -o smtp_tls_security_level=secure\n"
#define FIRST    "detour-ses unix -       -       n       -       -       smtp\n"
#define SASL     "    -o smtp_sasl_password_maps=" PRIVATE "\n"
#define LEVEL    "    -o smtp_tls_security_level=secure\n"
#define NEW_LINE "    -o smtp_connect_timeout=9\n"

static const struct other_hand hands[] = {
    /* not ours: no drift, and it stays */
    { "", THEIRS, NULL, CLAIM_OURS, OWNER THEIRS },
    { "# mine\n", THEIRS, NULL, CLAIM_OURS, THEIRS SMTP UUCP },
    { SMTP, "", NULL, CLAIM_OURS, "# mine\n" UUCP },
    { UUCP, UUCP "  more\n", NULL, CLAIM_OURS, OWNER "  more\n" },
    { SES, SES THEIRS, NULL, CLAIM_OURS, OWNER THEIRS },
    { SES, THEIRS "\n# why\n" SES, NULL, CLAIM_OURS, OWNER THEIRS "\n# why\n" },
    { SASL, SASL "# why\n", NULL, CLAIM_OURS, OWNER "# why\n" },
    { SES TLS, TLS SES, NULL, CLAIM_OURS, OWNER },
    { "", "detour-ses inet n - n - - smtpd\n", NULL, CLAIM_OURS,
      OWNER "detour-ses inet n - n - - smtpd\n" },
    { "", "detour-s unix - - n - - smtp\n", NULL, CLAIM_OURS,
      OWNER "detour-s unix - - n - - smtp\n" },
    { "", COMMENTED, NULL, CLAIM_OURS, OWNER COMMENTED },
    { "", "detour-ses\n", NULL, CLAIM_OURS, OWNER "detour-ses\n" },
    /* a byte is enough, and the entry is theirs */
    { "=secure\n", "=encrypt\n", "detour-ses was edited", CLAIM_EDITED,
      OWNER FIRST SASL "    -o smtp_tls_security_level=encrypt\n" },
    { "=secure\n", "=secure \n", "detour-ses was edited", CLAIM_EDITED,
      OWNER FIRST SASL "    -o smtp_tls_security_level=secure \n" },
    { FIRST, "detour-ses\tunix - - n - - smtp\n", "detour-ses was edited", CLAIM_EDITED,
      OWNER "detour-ses\tunix - - n - - smtp\n" SASL LEVEL },
    { FIRST, "detour-ses\n  unix - - n - - smtp\n", "detour-ses was edited", CLAIM_EDITED,
      OWNER "detour-ses\n  unix - - n - - smtp\n" SASL LEVEL },
    { LEVEL, LEVEL NEW_LINE, "detour-ses was edited", CLAIM_EDITED, OWNER SES NEW_LINE },
    { LEVEL, "", "detour-ses was edited", CLAIM_EDITED, OWNER FIRST SASL },
    { LEVEL, "#" LEVEL, "detour-ses was edited", CLAIM_EDITED, OWNER FIRST SASL "#" LEVEL },
    { "", NEW_LINE, "detour-ses_tls was edited", CLAIM_OURS, OWNER TLS NEW_LINE },
    /* commented out, deleted, renamed */
    { SES, COMMENTED, "commented out", CLAIM_COMMENTED, OWNER },
    { SES,
      "# " FIRST "#     -o smtp_sasl_password_maps=" PRIVATE
      "\n#     -o smtp_tls_security_level=secure\n",
      "commented out", CLAIM_COMMENTED, OWNER },
    { SES, COMMENTED "detour-ses unix - - n - - error\n", "was edited", CLAIM_EDITED,
      OWNER "detour-ses unix - - n - - error\n" },
    { SES, "", "detour-ses was taken out", CLAIM_DELETED, OWNER },
    { SES TLS, "", "detour-ses_tls was taken out", CLAIM_DELETED, OWNER },
    { "detour-ses ", "mine-ses   ", "taken out", CLAIM_DELETED,
      OWNER "mine-ses   unix -       -       n       -       -       smtp\n" SASL LEVEL },
    /* what is left of ours does not stay in the owner's entry */
    { FIRST, "", "taken out", CLAIM_DELETED, OWNER },
    { FIRST, "", "line 7, in detourd's block, continues the entry of line 3", CLAIM_DELETED,
      OWNER },
    { NOTICE, "  -o theirs=1\n", "line 6, in detourd's block, continues the entry of line 3",
      CLAIM_OURS, OWNER "  -o theirs=1\n" },
    { FIRST, "#" FIRST, "taken out", CLAIM_DELETED, OWNER "#" FIRST },
    { FIRST SASL, "", "taken out", CLAIM_DELETED, OWNER },
    { FIRST, "  -o theirs=1\n", "taken out", CLAIM_DELETED, OWNER "  -o theirs=1\n" },
    /* an entry of theirs for a name of ours */
    { "", "detour-ses unix - - n - - error\n", "too", CLAIM_ELSEWHERE,
      OWNER "detour-ses unix - - n - - error\n" },
    { "# mine\n", "detour-ses unix - - n - - error\n", "line 1", CLAIM_ELSEWHERE,
      "detour-ses unix - - n - - error\n" SMTP UUCP },
    { "", "detour-ses fifo - - n - - error\n", "too", CLAIM_ELSEWHERE,
      OWNER "detour-ses fifo - - n - - error\n" },
    { SES, SES "detour-ses unix - - n - - error\n", "line 10 too", CLAIM_ELSEWHERE,
      OWNER "detour-ses unix - - n - - error\n" },
    /* moved, copied */
    { "", SES, "detour-ses stands in master.cf more than once", CLAIM_OURS, OWNER },
    { "", BEGIN NOTICE SES TLS "# detourd: end 0\n", "block stands in master.cf more than once",
      CLAIM_OURS, OWNER },
    /* the frame */
    { BEGIN, "", "first or the last line", CLAIM_OURS, OWNER },
    { "# detourd: begin transport", "# detourd: begin Transport", "first or the last line",
      CLAIM_OURS, OWNER },
    { "generation 7", "generation seven", "first or the last line", CLAIM_OURS, OWNER },
    { "# detourd: end ", "# end ", "first or the last line", CLAIM_OURS, NULL },
    /* the whole file */
    { NULL, OWNER, "gone", CLAIM_DELETED, OWNER },
    { NULL, "", "gone", CLAIM_DELETED, "" },
    { NULL, "# Ansible managed\nsmtp unix - - n - - smtp", "gone", CLAIM_DELETED,
      "# Ansible managed\nsmtp unix - - n - - smtp" },
    { NULL, OWNER SES TLS, "first or the last line", CLAIM_OURS, OWNER },
    { NULL, OWNER "detour-ses unix - - n - - smtp\n", "gone", CLAIM_ELSEWHERE,
      OWNER "detour-ses unix - - n - - smtp\n" },
};

static void the_other_hand(void **state)
{
    char *written = entered(OWNER);

    (void)state;
    for (size_t i = 0; i < sizeof hands / sizeof hands[0]; i++) {
        char *edited = edit(written, hands[i].needle, hands[i].with);
        struct master_mark *mark = read_mark(edited, written);
        expect_drift(edited, mark, hands[i].says);
        assert_true(mark->legible);
        if (mark->claims[0] != hands[i].claim)
            fail_msg("the claim is %d, not %d, in\n%s", (int)mark->claims[0], (int)hands[i].claim,
                     edited);
        char *after = removed(edited, mark);
        if (hands[i].after != NULL && strcmp(after, hands[i].after) != 0)
            fail_msg("of\n%s\nthere is left\n%s", edited, after);
        assert_null(strstr(after, "detourd: "));
        free(after);
        master_mark_free(mark);
        free(edited);
    }
    free(written);
}

/* "postconf -P" writes an entry behind the comments that follow it: what it edits may leave our
 * block, or come into it. */
static void entries_move_with_postconf(void **state)
{
    char *written = entered(OWNER);

    (void)state;
    char *ours = edit(written, TLS, ""), *theirs = edit(written, UUCP, "");
    char *moved = edit(ours, "", TLS), *edited = edit(ours, "", TLS NEW_LINE);
    char *inside = edit(theirs, NOTICE, NOTICE UUCP);
    const struct {
        const char *text, *says, *after;
    } cases[] = {
        { moved, NULL, OWNER },
        { edited, "the service detour-ses_tls was edited (master.cf line 11)", OWNER TLS NEW_LINE },
        { inside, NULL, OWNER },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct master_mark *mark = read_mark(cases[i].text, written);
        expect_drift(cases[i].text, mark, cases[i].says);
        char *after = removed(cases[i].text, mark);
        assert_string_equal(after, cases[i].after);
        free(after);
        master_mark_free(mark);
    }
    free(inside);
    free(edited);
    free(moved);
    free(theirs);
    free(ours);
    free(written);
}

/* Without a record, nobody can tell an edit from our own words; while nothing is edited, the block
 * itself says what it is, and what is written behind it is not ours. */
static void without_a_record(void **state)
{
    char *written = entered(OWNER), *edited = edit(written, "secure", "encrypt");
    char *behind = edit(written, "", NEW_LINE);
    struct master_mark *broken = read_mark(edited, NULL), *more = read_mark(behind, NULL);

    (void)state;
    assert_false(broken->legible);
    assert_int_equal(broken->drift_count, 1);
    expect_drift(edited, broken, "by hand");
    expect_drift(behind, more, "detour-ses_tls was edited");
    char *after = removed(behind, more);
    assert_string_equal(after, OWNER TLS NEW_LINE);
    free(after);
    master_mark_free(broken);
    master_mark_free(more);
    free(behind);
    free(edited);
    free(written);
}

static void no_mark_at_all(void **state)
{
    struct master_mark *mark = read_mark(OWNER, NULL);
    struct main_cf *cf = parse(OWNER);
    bool any = true;

    (void)state;
    assert_int_equal(mark->generation, 0);
    assert_int_equal(mark->drift_count, 0);
    assert_true(mark->legible);
    assert_false(mark->gone);
    assert_int_equal(master_generation(cf, &any), 0);
    assert_false(any);
    char *after = removed(OWNER, mark);
    assert_string_equal(after, OWNER);
    free(after);
    main_cf_free(cf);
    master_mark_free(mark);
}

static void generations_are_read(void **state)
{
    char *written = entered(OWNER), *broken = edit(written, "generation 7", "generation x");
    struct main_cf *whole = parse(written), *half = parse(broken);
    bool any = false;

    (void)state;
    assert_int_equal(master_generation(whole, &any), 7);
    assert_true(any);
    any = false;
    assert_int_equal(master_generation(half, &any), 0);
    assert_true(any);
    main_cf_free(half);
    main_cf_free(whole);
    free(broken);
    free(written);
}

static void entries_are_found(void **state)
{
    static const char file[] = "smtp unix - - y - - smtp\n"
                               "#detour-a unix - - y - - smtp\n"
                               "detour-a\n"
                               "# between\n"
                               "  pass - - y - - smtp\n"
                               "smtp\tunix\t-\t-\tn\t-\t12\tsmtp -v\n"
                               "detour-b inet n - y - - smtp\n"
                               "detour-c\vunix unix - - y - - smtp\n"
                               "detour-d\n\vunix unix - - y - - smtp\n";
    struct main_cf *cf = parse(file);

    (void)state;
    assert_int_equal(master_line_of(cf, "detour-a"), 3);
    assert_int_equal(master_line_of(cf, "detour"), 0);
    assert_int_equal(master_line_of(cf, "detour-b"), 0);
    assert_int_equal(master_line_of(cf, "detour-c"), 0);
    assert_int_equal(master_line_of(cf, "detour-d"), 0);
    assert_int_equal(master_line_of(cf, "smtp"), 6);
    char *chroot = master_word(cf, "smtp/unix", MASTER_CHROOT);
    char *maxproc = master_word(cf, "smtp/unix", MASTER_MAXPROC);
    char *command = master_word(cf, "smtp/unix", MASTER_COMMAND);
    assert_string_equal(chroot, "n");
    assert_string_equal(maxproc, "12");
    assert_string_equal(command, "smtp");
    assert_null(master_word(cf, "smtp/unix", 9));
    assert_null(master_word(cf, "relay/unix", MASTER_CHROOT));
    free(command);
    free(maxproc);
    free(chroot);
    main_cf_free(cf);
}

static void values_that_fit(void **state)
{
    static const char *const good[] = { "", "a", "a b", "${x?{a}:{b}}", "{ a } { b }", "\v" };
    static const char *const bad[] = { " a", "a ", "a\nb", "{", "}", "}{", "{a}}", "\t", "a\r" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(service_value_fits(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(service_value_fits(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_entered_comes_off),
        cmocka_unit_test(just_this_is_written),
        cmocka_unit_test(the_other_hand),
        cmocka_unit_test(entries_move_with_postconf),
        cmocka_unit_test(without_a_record),
        cmocka_unit_test(no_mark_at_all),
        cmocka_unit_test(generations_are_read),
        cmocka_unit_test(entries_are_found),
        cmocka_unit_test(values_that_fit),
    };
    return cmocka_run_group_tests_name("master_cf", tests, NULL, NULL);
}
