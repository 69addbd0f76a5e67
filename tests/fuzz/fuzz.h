/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fuzz targets share (https://llvm.org/docs/LibFuzzer.html). */
#ifndef DETOURD_FUZZ_H
#define DETOURD_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A broken promise ends the run with the input that broke it. */
#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

#endif
