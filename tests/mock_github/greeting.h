// What the mock tells the person who started it, and the files it writes for him.
#ifndef GITLATCH_GREETING_H
#define GITLATCH_GREETING_H

#include <stdio.h>

struct greeting {
    const char *state;
    const char *address; // "127.0.0.1:12345"
    int port;
    int port6; // 0: none
    int control_port;
};

// STATE/gitlatch.yaml: a configuration of gitlatch that leads to this mock.
void greeting_write_configuration(const struct greeting *greeting);
// The ports as NAME=value lines, written at once.
void greeting_write_ports(const struct greeting *greeting, const char *path);
void greeting_print(const struct greeting *greeting, FILE *out);

#endif
