/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/ports.h"

bool ports_contain(const struct ports *ports, uint16_t port)
{
    for (size_t i = 0; i < ports->count; i++)
        if (ports->port[i] == port)
            return true;
    return false;
}

bool port_is_implicit_tls(uint16_t port)
{
    return port == 465 || port == 2465;
}

struct ports ports_read(struct conf_file *file, cfg_t *section, const char *opt)
{
    struct ports ports = { .count = 0 };
    unsigned count = cfg_size(section, opt);

    if (count > PORTS_MAX) {
        conf_file_complain(file, section, opt, "%s: at most %d ports", opt, PORTS_MAX);
        count = PORTS_MAX;
    }
    for (unsigned i = 0; i < count; i++)
        ports.port[ports.count++] =
            conf_file_port(file, section, opt, cfg_getnstr(section, opt, i));
    return ports;
}
