/* What is made on the host stands where the host can write, and where a disk keeps it. */
#define RSA_PRIV_FILENAME "/data/ssh/rsa"
#define ECDSA_PRIV_FILENAME "/data/ssh/ecdsa"
#define ED25519_PRIV_FILENAME "/data/ssh/ed25519"
#define DROPBEAR_PIDFILE "/run/dropbear.pid"
/* No program of another keg is at these paths. */
#define DROPBEAR_SFTPSERVER 0
#define DROPBEAR_PATH_SSH_PROGRAM "/bin/dbclient"
#define DEFAULT_PATH "/bin"
