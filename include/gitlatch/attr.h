// Attributes, and the conventions by which functions of gitlatch return.
//
// 1. `bool`: true is done, false is not. What went wrong is in a `struct error *ret_error` or a
//    `struct verdict *ret_verdict`, where the function has one. Outputs are named `ret_…`, stand last, and
//    are untouched on failure.
// 2. A pointer: NULL is failure; a function named `…_new` gives what its caller must give to `…_free`
//    (or `…_unref`, where the thing is counted).
// 3. An enum of its own, where there are more than two outcomes (`enum head_result`).
//
// A call that waits ends exactly once: by its callback (`done`), or by its cancel function, after which the callback is
// not called. The callback never comes from inside the call that starts it, nor from inside the cancel: the caller can
// store the handle first, and is not freed under its own feet. What a callback is given is on loan for the call.
//
// Memory that cannot be had ends the process (see mem.h): no caller checks for it.
#ifndef GITLATCH_ATTR_H
#define GITLATCH_ATTR_H

// The caller must look at what is returned.
#define GL_MUST_CHECK __attribute__((warn_unused_result))
// printf-like: the format is argument `text`, its first value argument `first`.
#define GL_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define GL_NORETURN            __attribute__((noreturn))
#define GL_UNUSED              __attribute__((unused))

#define GL_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

// 1 in a build with AddressSanitizer, whose mlock does nothing and whose leak check needs ptrace.
#define GL_SANITIZED 0
#if defined(__SANITIZE_ADDRESS__) // gcc
#undef GL_SANITIZED
#define GL_SANITIZED 1
#elif defined(__has_feature) // clang
#if __has_feature(address_sanitizer)
#undef GL_SANITIZED
#define GL_SANITIZED 1
#endif
#endif

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#endif
