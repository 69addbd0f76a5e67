/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text as a catalogue of relays, as one of providers and as detourd.conf. Whatever it is, there
 * is a result or a complaint that names a line of it.
 */
#include "lib/catalogue.h"
#include "lib/config.h"
#include "tests/fuzz/fuzz.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The files that are read are links to memory: some file systems write out what is truncated. */
static char directory[] = "/tmp/detourd-fuzz-XXXXXX";
static char relays[64], providers[64];
static int relays_fd = -1, providers_fd = -1;

static void clean_up(void)
{
    unlink(relays);
    unlink(providers);
    rmdir(directory);
}

static int link_to_memory(const char *path)
{
    char target[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    snprintf(target, sizeof target, "/proc/self/fd/%d", fd);
    MUST(fd != -1 && symlink(target, path) == 0);
    return fd;
}

static void set_up(void)
{
    if (relays_fd != -1)
        return;
    MUST(mkdtemp(directory) != NULL);
    snprintf(relays, sizeof relays, "%s/relays.conf", directory);
    snprintf(providers, sizeof providers, "%s/providers.conf", directory);
    relays_fd = link_to_memory(relays);
    providers_fd = link_to_memory(providers);
    atexit(clean_up);
}

static void write_file(int fd, const uint8_t *data, size_t size)
{
    MUST(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
}

static void check_complaints(struct complaints *complaints, bool has_result)
{
    const char *line;
    bool is_error;

    MUST(has_result == (complaints_errors(complaints) == 0));
    for (size_t i = 0; (line = complaints_line(complaints, i, &is_error)) != NULL; i++)
        MUST(line[0] != '\0' && strchr(line, '\n') == NULL);
    complaints_free(complaints);
}

static void read_as_catalogues(void)
{
    struct complaints *complaints = complaints_new();
    struct catalogue *catalogue = catalogue_load(directory, complaints);
    const struct relay_service *service;

    for (size_t i = 0; catalogue != NULL && (service = catalogue_relay_at(catalogue, i)) != NULL;
         i++) {
        MUST(service->ports.count >= 1 && service->ports.count <= PORTS_MAX);
        MUST(service->source != NULL && service->date != NULL);
        free(relay_service_host(service, service->default_region));
        catalogue_relay_with_host(catalogue, "smtp.example.net");
    }
    check_complaints(complaints, catalogue != NULL);
    catalogue_free(catalogue);
}

static void read_as_configuration(void)
{
    struct complaints *complaints = complaints_new();
    struct config *config = config_load(relays, complaints);

    check_complaints(complaints, config != NULL);
    config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    set_up();
    write_file(relays_fd, data, size);
    write_file(providers_fd, data, size);
    read_as_catalogues();
    read_as_configuration();
    write_file(providers_fd, data, 0);
    read_as_catalogues();
    write_file(providers_fd, data, size);
    write_file(relays_fd, data, 0);
    read_as_catalogues();
    return 0;
}
