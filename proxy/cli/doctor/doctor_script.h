// What languages are given to run.
#ifndef GITLATCH_DOCTOR_SCRIPT_H
#define GITLATCH_DOCTOR_SCRIPT_H

// Printed by the script where this Node finds no proxy by itself, and the script led it there.
#define DOCTOR_SCRIPT_NODE_NOT_LED "reads no HTTPS_PROXY"
// Printed by the script where that module is not installed.
#define DOCTOR_SCRIPT_NO_REQUESTS "no requests here"

extern const char doctor_script_node[];
extern const char doctor_script_python[];
extern const char doctor_script_requests[];
extern const char doctor_script_fetch[]; // of bun and deno
extern const char doctor_script_ruby[];
extern const char doctor_script_php[];

#endif
