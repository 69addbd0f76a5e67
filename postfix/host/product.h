/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Products that write Postfix's configuration themselves. What is changed behind the back of one of
 * them is overwritten by it sooner or later, or breaks what it takes for granted.
 */
#ifndef DETOURD_POSTFIX_PRODUCT_H
#define DETOURD_POSTFIX_PRODUCT_H

struct product {
    const char *name;
    const char *effect; /* what becomes of a change, and where a relay belongs instead */
};

/* The product that made the configuration in CONFIG_DIRECTORY, whose main.cf has the text MAIN_CF;
 * NULL where there is no mark of one. *MARK (the caller frees it) says what gave it away. ROOT goes
 * before the path of each file that is looked for: "" but for tests. */
const struct product *product_find(const char *root, const char *config_directory,
                                   const char *main_cf, char **mark);

#endif
