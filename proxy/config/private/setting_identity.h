// The type of `identity`: github-actions, {file: …} or {command: […]}.
#ifndef GITLATCH_SETTING_IDENTITY_H
#define GITLATCH_SETTING_IDENTITY_H

#include "setting_type.h"

extern const struct setting_type setting_identity; // the members identity… of a struct credential_options

#endif
