/* Writes one pair in one transaction, reads it in another. */
#include <lmdb.h>
#include <stdio.h>

int main(void)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi db;
	MDB_val key = { 3, "key" }, value = { 5, "value" }, read;

	if (mdb_env_create(&env) || mdb_env_open(env, "/tmp/store.mdb", MDB_NOSUBDIR, 0600))
		return 1;
	if (mdb_txn_begin(env, NULL, 0, &txn) || mdb_dbi_open(txn, NULL, 0, &db) || mdb_put(txn, db, &key, &value, 0) || mdb_txn_commit(txn))
		return 2;
	if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) || mdb_get(txn, db, &key, &read))
		return 3;
	printf("key -> %.*s\n", (int)read.mv_size, (char *)read.mv_data);
	return 0;
}
