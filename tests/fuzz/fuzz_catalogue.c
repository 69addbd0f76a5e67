/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text as each of the three catalogues and as detourd.conf. Whatever it is, there is a result or
 * a complaint that names a line of it.
 */
#include "lib/config_load.h"
#include "lib/operator_catalogue.h"
#include "lib/provider_catalogue.h"
#include "lib/relay_catalogue.h"
#include "tests/fuzz/fuzz.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The files that are read are links to memory: some file systems write out what is truncated. */
static char directory[] = "/tmp/detourd-fuzz-XXXXXX";
static char relays[64], providers[64], operators[64];
static int text_fd = -1;

static void clean_up(void)
{
    unlink(relays);
    unlink(providers);
    unlink(operators);
    rmdir(directory);
}

static void set_up(void)
{
    char target[64];

    if (text_fd != -1)
        return;
    MUST(mkdtemp(directory) != NULL);
    snprintf(relays, sizeof relays, "%s/relays.conf", directory);
    snprintf(providers, sizeof providers, "%s/providers.conf", directory);
    snprintf(operators, sizeof operators, "%s/operators.conf", directory);
    text_fd = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(target, sizeof target, "/proc/self/fd/%d", text_fd);
    MUST(text_fd != -1 && symlink(target, relays) == 0 && symlink(target, providers) == 0 &&
         symlink(target, operators) == 0);
    atexit(clean_up);
}

static void write_text(const uint8_t *data, size_t size)
{
    MUST(ftruncate(text_fd, 0) == 0 && pwrite(text_fd, data, size, 0) == (ssize_t)size);
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

static void read_as_relays(void)
{
    struct complaints *complaints = complaints_new();
    struct relay_catalogue *catalogue = relay_catalogue_load(directory, complaints);
    const struct relay_service *service;

    for (size_t i = 0; catalogue != NULL && (service = relay_catalogue_at(catalogue, i)) != NULL;
         i++) {
        MUST(service->ports.count >= 1 && service->ports.count <= PORTS_MAX);
        MUST(service->citation.source != NULL && service->citation.date != NULL);
        free(relay_service_host(service, service->default_region));
        relay_catalogue_with_host(catalogue, "smtp.example.net");
    }
    check_complaints(complaints, catalogue != NULL);
    relay_catalogue_free(catalogue);
}

static void read_as_providers(void)
{
    struct complaints *complaints = complaints_new();
    struct provider_catalogue *catalogue = provider_catalogue_load(directory, complaints);
    const struct provider *provider;

    for (size_t i = 0;
         catalogue != NULL && (provider = provider_catalogue_at(catalogue, i)) != NULL; i++)
        MUST(provider->title != NULL && provider->policy.citation.source != NULL);
    check_complaints(complaints, catalogue != NULL);
    provider_catalogue_free(catalogue);
}

static void read_as_operators(void)
{
    struct complaints *complaints = complaints_new();
    struct operator_catalogue *catalogue = operator_catalogue_load(directory, complaints);

    if (catalogue != NULL)
        operator_catalogue_host(catalogue, "mx.example.net");
    check_complaints(complaints, catalogue != NULL);
    operator_catalogue_free(catalogue);
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
    write_text(data, size);
    read_as_relays();
    read_as_providers();
    read_as_operators();
    read_as_configuration();
    return 0;
}
