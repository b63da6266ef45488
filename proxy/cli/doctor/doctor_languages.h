// wget, and the languages and package managers that doctor_tools.c does not examine.
#ifndef GITLATCH_DOCTOR_LANGUAGES_H
#define GITLATCH_DOCTOR_LANGUAGES_H

#include "doctor.h"

// `temporary` is a directory for what they leave behind.
void doctor_examine_languages(struct doctor *doctor, const char *temporary);

#endif
