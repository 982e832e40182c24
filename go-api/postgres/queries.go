package postgres

import (
	_ "embed"
	"strings"
)

// The SQL text is that of db/queries, shared by all services. An embedded file cannot lie outside the module, so
// queries/ is a copy; TestQueriesAreCurrent fails when it is stale.
//
//go:generate sh -c "cp ../../db/queries/*.sql queries/"
var (
	//go:embed queries/ready.sql
	readySQL string
	//go:embed queries/get_user.sql
	getUserSQL string
	//go:embed queries/list_users.sql
	listUsersSQL string
	//go:embed queries/count_users.sql
	countUsersSQL string
)

// A statement is prepared under its name on every connection when the connection is opened.
type statement struct{ name, sql string }

var (
	ready      = newStatement("ready", readySQL)
	getUser    = newStatement("get_user", getUserSQL)
	listUsers  = newStatement("list_users", listUsersSQL)
	countUsers = newStatement("count_users", countUsersSQL)

	statements = []statement{ready, getUser, listUsers, countUsers}
)

func newStatement(name, text string) statement {
	return statement{name: name, sql: strings.TrimRight(text, " \t\r\n")}
}
