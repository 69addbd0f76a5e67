/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/host_facts.h"

#include "lib/memory.h"
#include "lib/printable.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the first line, without the blanks around it, since firmware pads with them; what no terminal
 * should see becomes '?'. */
static void tidy(char *text)
{
    size_t start = strspn(text, " \t"), len;

    text[strcspn(text, "\r\n")] = '\0';
    len = strlen(text);
    start = start < len ? start : len;
    memmove(text, text + start, len - start + 1);
    for (len = strlen(text); len > 0 && strchr(" \t", text[len - 1]) != NULL;)
        text[--len] = '\0';
    make_printable(text);
}

static void read_line(const char *root, const char *name, char out[MACHINE_TEXT])
{
    char *path = memory_format("%s%s", root, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n = fd != -1 ? read(fd, out, MACHINE_TEXT - 1) : -1;

    out[n > 0 ? n : 0] = '\0';
    tidy(out);
    if (fd != -1)
        close(fd);
    free(path);
}

void host_facts_read(const char *root, struct machine *out)
{
    read_line(root, "/sys/class/dmi/id/sys_vendor", out->sys_vendor);
    read_line(root, "/sys/class/dmi/id/product_name", out->product_name);
    read_line(root, "/sys/class/dmi/id/chassis_asset_tag", out->chassis_asset_tag);
    read_line(root, "/sys/class/dmi/id/board_vendor", out->board_vendor);
    read_line(root, "/run/cloud-init/cloud-id", out->cloud_id);
}
