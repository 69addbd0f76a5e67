#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   tests/fuzz/run.sh SECONDS [BUILD]
#
# Builds the fuzz targets with clang in a folder of their own and feeds each for SECONDS, all at
# once, from the seeds in tests/fuzz/corpus. BUILD is where config-build.h is, the current directory
# unless given. Ends with "N passed, N failed"; what broke a target stays in $FUZZ_OUT, by default
# fuzz below BUILD, beside its log.
set -u
seconds=${1:?how many seconds for each target?}
build=$(readlink -f "${2:-.}")
source=$(readlink -f "$(dirname "$0")/../..")
out=${FUZZ_OUT:-$build/fuzz}
clang=${CLANG:-clang}
targets=(smtp_reply dns catalogue)

say() {
    printf '%s\n' "$*"
}

# The floors that the targets stand on, as far as they read.
lib=(address citation clock complaints conf_file conf_pairs conf_scan conf_values config config_load endpoint log
    mail_address memory operator_catalogue ports probe_tls provider_catalogue relay relay_catalogue
    relay_scope relay_section reputation_section tls_policy)
probe=(dns_message dns_status ehlo generic_name masked seen_address smtp_reply spf_macro spf_record tags)

compile() {
    local -a flags objects
    local name
    read -ra flags <<<"$(pkg-config --cflags libevent_core libcares libconfuse openssl)"
    flags+=(-I"$source" -I"$build" -D_GNU_SOURCE -DCARES_NO_DEPRECATED -std=gnu11 -g -O2
        -fno-omit-frame-pointer -fno-sanitize-recover=all
        '-DSYSCONFDIR="/etc"' '-DPKGDATADIR="/nonexistent"')
    for name in "${lib[@]/#/lib/}" "${probe[@]/#/daemon/probe/}"; do
        objects+=("$out/${name//\//_}.o")
        "$clang" "${flags[@]}" -fsanitize=fuzzer-no-link,address,undefined \
            -c "$source/$name.c" -o "${objects[-1]}" || return
    done
    for name in "${targets[@]}"; do
        "$clang" "${flags[@]}" -fsanitize=fuzzer,address,undefined "$source/tests/fuzz/fuzz_$name.c" \
            "${objects[@]}" -o "$out/fuzz_$name" $(pkg-config --libs libcares libconfuse) || return
    done
}

# TARGET LONGEST: what grows goes beside the seeds, not among them.
feed() {
    mkdir -p "$out/corpus_$1" &&
        "$out/fuzz_$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len="$2" \
            -print_final_stats=1 -artifact_prefix="$out/broke_$1-" \
            "$out/corpus_$1" "$source/tests/fuzz/corpus/$1" >"$out/$1.log" 2>&1
}

mkdir -p "$out" && rm -f "$out"/broke_* || exit 1
compile >"$out/build.log" 2>&1 || {
    cat "$out/build.log"
    say "0 passed, ${#targets[@]} failed"
    exit 1
}
pids=()
for target in "${targets[@]}"; do
    # Each complaint about a configuration looks for its line from the start.
    feed "$target" "$([ "$target" = catalogue ] && echo 2000 || echo 20000)" &
    pids+=($!)
done
passed=0 failed=0
for i in "${!targets[@]}"; do
    if wait "${pids[i]}"; then
        passed=$((passed + 1))
        say "${targets[i]}: $(sed -n 's/^stat::number_of_executed_units: *//p' \
            "$out/${targets[i]}.log") inputs"
    else
        failed=$((failed + 1))
        say "${targets[i]} failed:"
        tail -n 40 "$out/${targets[i]}.log"
    fi
done
say "$passed passed, $failed failed"
[ $failed = 0 ]
