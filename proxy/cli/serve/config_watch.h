// Reports when the configuration's file changes: written, renamed over, or exchanged by the swap of a directory
// link, as Kubernetes does with a ConfigMap (`..data`).
#ifndef GITLATCH_CONFIG_WATCH_H
#define GITLATCH_CONFIG_WATCH_H

#include <gitlatch/attr.h>

#include "error.h"

struct config_watch;
struct loop;

typedef void config_watch_fn(void *arg);

// Watches the directory that `path` names; `changed` is called once things are quiet, if the file is another
// one or has other contents than when it was last looked at. What else happens in the directory is nobody's
// business.
struct config_watch *config_watch_new(struct loop *loop, const char *path, config_watch_fn *changed, void *arg,
                                      struct error *ret_error) GL_MUST_CHECK;
void config_watch_free(struct config_watch *watch); // NULL: nothing
// The file is read now, for another reason: what it is now is no change.
void config_watch_look(struct config_watch *watch);

#endif
