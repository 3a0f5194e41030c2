/* A program that uses libsasl2, both sides of it: logs in to itself, as often as it is told, and says how each login ended and
 * what its process looks like afterwards. With SET in the mechanism's place it sets the password instead, as saslpasswd2 does, and
 * with DELETE it deletes the account.
 *
 * usage: host [-a APP] [-n LOGINS] [-l LOADS] [-r REALM] [-z AUTHZID] [-c ROOT] [-u UID] [-f] [-t THREADS] MECHANISM USER PASSWORD
 *
 *   -l   load and unload the library that often, with as many logins each time
 *   -r   the realm that the program gives to libsasl2 (default: none)
 *   -c   chroot there, -u become that user: both after the library has loaded its plugins, as servers do
 *   -f   log in in a child process
 *   -t   log in in so many threads at once
 *
 * On standard output a line `RESULT DETAIL` for each ending that is not the one before, `logins N`, and then `clean`, or what the
 * process holds that it did not hold before: descriptors, threads, signal handlers.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *app = "host", *realm, *authzid, *root, *mechanism, *user, *password;
static int logins = 1, loads = 1, uid = -1, forks, threads;
static pthread_mutex_t say = PTHREAD_MUTEX_INITIALIZER;

static int simple(void *context, int id, const char **result, unsigned *length) {
    (void)context;
    *result = id == SASL_CB_USER ? (authzid ? authzid : "") : user;
    if (length) *length = strlen(*result);
    return SASL_OK;
}

static int secret(sasl_conn_t *connection, void *context, int id, sasl_secret_t **result) {
    (void)connection, (void)id;
    *result = context;
    return SASL_OK;
}

static int logged(void *context, int level, const char *message) {
    (void)context;
    if (level <= SASL_LOG_FAIL) fprintf(stderr, "%d %s\n", level, message);
    return SASL_OK;
}

/* The program grants whatever was asked for: what a look-up of an authorization identity did is to be seen. */
static int grant(sasl_conn_t *connection, void *context, const char *asked, unsigned asked_length, const char *identity,
                 unsigned identity_length, const char *offered, unsigned offered_length, struct propctx *properties) {
    (void)connection, (void)context, (void)asked, (void)asked_length, (void)identity, (void)identity_length, (void)offered,
        (void)offered_length, (void)properties;
    return SASL_OK;
}

static int change(char *detail, size_t room) {
    sasl_conn_t *server = NULL;
    int result = sasl_server_new("smtp", "mail.example.com", realm, NULL, NULL, NULL, 0, &server);
    if (result == SASL_OK && strcmp(mechanism, "SET") == 0)
        result = sasl_setpass(server, user, password, strlen(password), NULL, 0, SASL_SET_CREATE);
    else if (result == SASL_OK)
        result = sasl_setpass(server, user, NULL, 0, NULL, 0, SASL_SET_DISABLE);
    snprintf(detail, room, "%s", result == SASL_OK ? user : sasl_errstring(result, NULL, NULL));
    sasl_dispose(&server);
    return result;
}

static int login(char *detail, size_t room) {
    size_t length = strlen(password);
    sasl_secret_t *typed = malloc(sizeof *typed + length + 1);
    typed->len = length;
    memcpy(typed->data, password, length + 1);
    sasl_callback_t callbacks[] = {
        {SASL_CB_USER, (sasl_callback_ft)simple, NULL},
        {SASL_CB_AUTHNAME, (sasl_callback_ft)simple, NULL},
        {SASL_CB_PASS, (sasl_callback_ft)secret, typed},
        {SASL_CB_LIST_END, NULL, NULL},
    };
    sasl_conn_t *server = NULL, *client = NULL;
    const char *to_server = NULL, *to_client = NULL, *chosen;
    unsigned to_server_length = 0, to_client_length = 0;
    int asked = SASL_OK, result;

    result = sasl_server_new("smtp", "mail.example.com", realm, NULL, NULL, NULL, 0, &server);
    if (result == SASL_OK) result = sasl_client_new("smtp", "mail.example.com", NULL, NULL, callbacks, 0, &client);
    if (result == SASL_OK) asked = sasl_client_start(client, mechanism, NULL, &to_server, &to_server_length, &chosen);
    if (result == SASL_OK && asked != SASL_OK && asked != SASL_CONTINUE) {
        result = asked;
    } else if (result == SASL_OK) {
        result = sasl_server_start(server, chosen, to_server, to_server_length, &to_client, &to_client_length);
        while (result == SASL_CONTINUE) {
            asked = sasl_client_step(client, to_client, to_client_length, NULL, &to_server, &to_server_length);
            if (asked != SASL_OK && asked != SASL_CONTINUE) {
                result = asked;
                break;
            }
            result = sasl_server_step(server, to_server, to_server_length, &to_client, &to_client_length);
        }
    }
    const char *who = NULL;
    if (result == SASL_OK) sasl_getprop(server, SASL_USERNAME, (const void **)&who);
    snprintf(detail, room, "%s", who ? who : sasl_errstring(result, NULL, NULL));
    sasl_dispose(&server);
    sasl_dispose(&client);
    free(typed);
    return result;
}

static void *log_in(void *context) {
    char detail[512], before[512] = "";
    int (*act)(char *, size_t) = strcmp(mechanism, "SET") == 0 || strcmp(mechanism, "DELETE") == 0 ? change : login;
    for (int i = 0; i < logins; i++) {
        int result = act(detail, sizeof detail);
        if (strcmp(detail, before) != 0) {
            pthread_mutex_lock(&say);
            printf("%d %s\n", result, detail);
            pthread_mutex_unlock(&say);
            strcpy(before, detail);
        }
    }
    return context;
}

static int entries(const char *path) {
    DIR *folder = opendir(path);
    int count = 0;
    while (folder && readdir(folder)) count++;
    if (folder) closedir(folder);
    return count;
}

static int become(void) {
    return (root && (chroot(root) || chdir("/"))) || (uid >= 0 && (setgid(uid) || setuid(uid)));
}

int main(int count, char **arguments) {
    for (int option; (option = getopt(count, arguments, "a:n:l:r:z:c:u:ft:")) != -1;) switch (option) {
        case 'a': app = optarg; break;
        case 'n': logins = atoi(optarg); break;
        case 'l': loads = atoi(optarg); break;
        case 'r': realm = optarg; break;
        case 'z': authzid = optarg; break;
        case 'c': root = optarg; break;
        case 'u': uid = atoi(optarg); break;
        case 'f': forks = 1; break;
        case 't': threads = atoi(optarg); break;
        default: return 64;
        }
    if (count - optind != 3) return 64;
    mechanism = arguments[optind], user = arguments[optind + 1], password = arguments[optind + 2];
    setvbuf(stdout, NULL, _IOLBF, 0);

    static struct sigaction before[65], after[65];
    for (int number = 1; number < 65; number++) sigaction(number, NULL, &before[number]);
    int descriptors = entries("/proc/self/fd"), tasks = entries("/proc/self/task");

    sasl_callback_t callbacks[] = {
        {SASL_CB_LOG, (sasl_callback_ft)logged, NULL},
        {SASL_CB_PROXY_POLICY, (sasl_callback_ft)grant, NULL},
        {SASL_CB_LIST_END, NULL, NULL},
    };
    for (int load = 0; load < loads; load++) {
        if (sasl_client_init(NULL) != SASL_OK || sasl_server_init(callbacks, app) != SASL_OK) return 70;
        if (forks) {
            pid_t child = fork();
            int status = 0;
            if (child == 0) {
                if (become()) _exit(71);
                log_in(NULL);
                fflush(stdout);
                _exit(0);
            }
            if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 72;
        } else if (threads) {
            pthread_t running[64];
            for (int i = 0; i < threads && i < 64; i++)
                if (pthread_create(&running[i], NULL, log_in, NULL)) return 73;
            for (int i = 0; i < threads && i < 64; i++) pthread_join(running[i], NULL);
        } else {
            if (become()) return 71;
            log_in(NULL);
        }
        sasl_client_done();
        sasl_server_done();
    }
    printf("logins %d\n", loads * logins * (threads ? threads : 1));
    if (root && !forks) return 0;
    descriptors = entries("/proc/self/fd") - descriptors;
    tasks = entries("/proc/self/task") - tasks;
    int handlers = 0;
    for (int number = 1; number < 65; number++) {
        sigaction(number, NULL, &after[number]);
        handlers += after[number].sa_handler != before[number].sa_handler;
    }
    if (descriptors || tasks || handlers)
        printf("left: %d descriptors, %d threads, %d handlers\n", descriptors, tasks, handlers);
    else
        puts("clean");
    return 0;
}
