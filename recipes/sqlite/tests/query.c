/* A table, two rows, a sum; and a search for a word. */
#include <sqlite3.h>
#include <stdio.h>

static int row(void *unused, int columns, char **values, char **names)
{
	(void)unused, (void)columns, (void)names;
	return puts(values[0]) < 0;
}

int main(void)
{
	sqlite3 *db;

	if (sqlite3_open(":memory:", &db) != SQLITE_OK)
		return 1;
	return sqlite3_exec(db,
		"create table t(n); insert into t values (40), (2); select sum(n) from t;"
		"create virtual table f using fts5(x); insert into f values ('lazy'), ('the quick fox'); select upper(x) from f('quick');",
		row, NULL, NULL);
}
