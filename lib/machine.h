/* SPDX-License-Identifier: BSD-2-Clause */
/* What a machine says of itself: who made it, by DMI, and whose cloud it stands in, by cloud-init.
 */
#ifndef DETOURD_MACHINE_H
#define DETOURD_MACHINE_H

#define MACHINE_TEXT 128

/* Printable; each "" where the machine does not say it, as many do not say anything. */
struct machine {
    char sys_vendor[MACHINE_TEXT];
    char product_name[MACHINE_TEXT];
    char chassis_asset_tag[MACHINE_TEXT];
    char board_vendor[MACHINE_TEXT];
    char cloud_id[MACHINE_TEXT];
};

#endif
