// The REST API: what its handlers are given, and how they answer.
#ifndef GITLATCH_API_H
#define GITLATCH_API_H

#include <jansson.h>

#include "call.h"
#include "principal.h"

struct api_request {
    struct call *call;
    struct principal who;
    struct repository *repository; // of a path below /repos/O/R or /repositories/ID
    size_t rest;                   // number of the first segment behind that
    json_t *body;                  // NULL: none
    char *upload;                  // the file that holds the body of an asset; NULL: none
};

struct api_answer {
    int status;
    json_t *json;
    struct mock_text headers; // whole lines
    struct mock_text raw;     // the body, where there is no `json`
    const char *type;         // its Content-Type
};

// Fills an answer. Under the world's lock.
typedef void api_handler(const struct api_request *request, struct api_answer *answer);

enum api_audience {
    API_ANYONE,       // as far as the permission reaches
    API_APP,          // the App's JWT
    API_SOMEBODY,     // any token
    API_INSTALLATION, // an installation's token
    API_USER,         // a person's token: an installation's is "not accessible by integration"
};

struct api_route {
    const char *method;
    const char *pattern; // see call_path_is; below the repository, for routes of one
    enum api_audience audience;
    const char *permission; // that a route of a repository needs
    int level;
    api_handler *handle;
};

// Each ends with an empty row.
extern const struct api_route api_app_routes[];
extern const struct api_route api_repository_routes[];

// The handlers of repositories' routes.
api_handler api_get_content, api_get_readme, api_put_content;
api_handler api_get_ref, api_create_ref, api_update_ref, api_delete_ref, api_list_branches, api_list_tags,
    api_get_branch, api_list_commits, api_get_commit, api_compare, api_get_archive;
api_handler api_list_issues, api_create_issue, api_get_issue, api_update_issue, api_list_comments, api_create_comment,
    api_list_pulls, api_create_pull, api_get_pull, api_update_pull;
api_handler api_list_releases, api_get_release, api_get_latest_release, api_get_release_by_tag, api_create_release,
    api_update_release, api_delete_release, api_list_assets, api_upload_asset, api_get_asset, api_delete_asset;

void api_fail(struct api_answer *answer, int status, const char *message);
void api_give(struct api_answer *answer, int status, json_t *json);
// A page of a list (`per_page`, `page` of the query) with its Link header, whose links lie under `path` of
// the API. `list` is given away.
json_t *api_page(const struct api_request *request, struct api_answer *answer, json_t *list, const char *path);
// A string member of the body; NULL where there is none.
const char *api_string(const struct api_request *request, const char *key);

// What the API says of things; owned by the caller.
json_t *api_account(const struct virtual_host *host, const struct account *account);
json_t *api_installation(const struct virtual_host *host, const struct installation *installation);
json_t *api_repository(const struct api_request *request, const struct repository *repository);

// Makes an issue of the request's repository; owned by the caller.
json_t *api_make_issue(const struct api_request *request, const char *title, const char *body);
// Makes a pull request of the request's repository; `head` may be "owner:branch". Owned by the caller; NULL
// where the branches are not there.
json_t *api_make_pull(const struct api_request *request, const char *title, const char *body, const char *head,
                      const char *base, bool draft);

#endif
