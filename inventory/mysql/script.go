package mysql

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/seed82d84382/commerce/inventory/internal/sqlstock"
)

// form is a way to send many statements at once.
type form struct {
	open, close string
	// changes follows a statement that must change so many rows, and fails with the number stale if it did not.
	changes func(n int64) string
	stale   uint16
}

// compound is MariaDB's block of statements. It needs no setting.
var compound = form{"BEGIN NOT ATOMIC ", "END", func(n int64) string {
	return fmt.Sprintf("IF ROW_COUNT() <> %d THEN SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30001, MESSAGE_TEXT = 'a row has changed'; END IF;", n)
}, 30001}

// list is for connections with multiStatements=true. MySQL has no condition outside of stored programs, but an expression may fail.
var list = form{"", "", func(n int64) string {
	return fmt.Sprintf("DO IF(ROW_COUNT() = %d, 0, (SELECT 1 UNION SELECT 2));", n)
}, 1242}

// works reports whether the server takes the form and ends it where it must.
func (f form) works(ctx context.Context, conn *sql.Conn) (bool, error) {
	_, err := conn.ExecContext(ctx, f.open+"DO 0;"+f.changes(12345)+f.close)
	if err == nil {
		return false, nil
	}
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number == f.stale, nil
	}
	return false, err
}

// sender returns a Sender that uses the form and keeps packets below the bytes.
func (f form) sender(packet int) sqlstock.Sender {
	return func(ctx context.Context, conn *sql.Conn, script []sqlstock.Statement) error {
		for len(script) > 0 {
			text, n, err := f.pack(script, packet)
			if err != nil {
				return err
			}
			if err := send(ctx, conn, text, script[:n]); err != nil {
				if e, ok := errors.AsType[*mysql.MySQLError](err); ok && e.Number == f.stale {
					return sqlstock.ErrStale
				}
				return err
			}
			script = script[n:]
		}
		return nil
	}
}

// pack puts as many statements into one text as fit, and at least one.
func (f form) pack(script []sqlstock.Statement, packet int) (text string, n int, err error) {
	var b strings.Builder
	size := len(f.open) + 256*len(script)
	for _, s := range script {
		size += len(s.Text)
	}
	b.Grow(min(size, packet))
	b.WriteString(f.open)
	for n < len(script) {
		s := script[n]
		if s.Text == nil {
			if s.Text, err = appendStatement(nil, s); err != nil {
				return "", 0, err
			}
		}
		var check string
		if s.Changes != 0 {
			check = f.changes(s.Changes)
		}
		if n > 0 && b.Len()+len(s.Text)+1+len(check)+len(f.close) > packet {
			break
		}
		b.Write(s.Text)
		b.WriteByte(';')
		b.WriteString(check)
		n++
	}
	b.WriteString(f.close)
	return b.String(), n, nil
}

func send(ctx context.Context, conn *sql.Conn, text string, script []sqlstock.Statement) error {
	var reads []sqlstock.Statement
	for _, s := range script {
		if s.Scan != nil {
			reads = append(reads, s)
		}
	}
	if len(reads) == 0 {
		_, err := conn.ExecContext(ctx, text)
		return err
	}
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for n, s := range reads {
		if n > 0 && !rows.NextResultSet() {
			return errors.Join(rows.Err(), fmt.Errorf("inventory: mysql: %d answers to %d queries", n, len(reads)))
		}
		for rows.Next() {
			if err := s.Scan(rows); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	rows.NextResultSet() // what comes after the last answer may have failed
	return rows.Err()
}

// appendStatement writes a statement with its arguments in their places.
func appendStatement(b []byte, s sqlstock.Statement) ([]byte, error) {
	rest := s.Query
	for _, arg := range s.Args {
		before, after, ok := strings.Cut(rest, "?")
		if !ok {
			return nil, fmt.Errorf("inventory: mysql: more arguments than placeholders in %.100q", s.Query)
		}
		b = append(b, before...)
		var err error
		if b, err = appendLiteral(b, arg); err != nil {
			return nil, err
		}
		rest = after
	}
	if strings.Contains(rest, "?") {
		return nil, fmt.Errorf("inventory: mysql: more placeholders than arguments in %.100q", s.Query)
	}
	return append(b, rest...), nil
}

func appendLiteral(b []byte, arg any) ([]byte, error) {
	switch v := arg.(type) {
	case string:
		return appendText(b, v), nil
	case []byte:
		return appendHex(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case sql.NullInt64:
		if !v.Valid {
			return append(b, "NULL"...), nil
		}
		return strconv.AppendInt(b, v.Int64, 10), nil
	}
	return nil, fmt.Errorf("inventory: mysql: no literal for a %T", arg)
}

func appendText(b []byte, text string) []byte {
	if plain(text) {
		return append(append(append(b, '\''), text...), '\'')
	}
	return appendHex(b, []byte(text))
}

func appendHex(b, v []byte) []byte {
	return append(hex.AppendEncode(append(b, "x'"...), v), '\'')
}

// plain reports whether text means the same in every character set and SQL mode of a connection when quoted. Any other
// is written in hexadecimal.
func plain(text string) bool {
	for n := range len(text) {
		if c := text[n]; c < ' ' || c > '~' || c == '\'' || c == '\\' || c == '"' {
			return false
		}
	}
	return true
}
