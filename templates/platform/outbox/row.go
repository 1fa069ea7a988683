package outbox

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// row is a message of the table in the relay's memory. It stays in the form that it came in until it is published: many
// rows wait, and the garbage collector follows four pointers in each instead of a dozen.
type row struct {
	id                        int64
	topic                     string
	texts                     string             // those of textColumns one after another
	ends                      [textColumns]int32 // of each in texts
	data                      []byte
	occurred, created, nextAt int64 // microseconds since 1970; nextAt is 0 for none
	attempts                  int32
	lane                      *lane
}

// Columns of a row in the order of const columns.
const (
	colEventID = iota
	colSource
	colType
	colSubject
	colKey
	colHeaders
	textColumns
)

const (
	colPayload = textColumns + iota
	colID
	colTopic
	colOccurredAt
	colCreatedAt
	colNextAt
	colAttempts
	colCount
)

// text is the i-th text.
func (r *row) text(i int) string {
	if i == 0 {
		return r.texts[:r.ends[0]]
	}
	return r.texts[r.ends[i-1]:r.ends[i]]
}

// size is what the row's contents take in memory, in bytes.
func (r *row) size() int { return len(r.texts) + len(r.data) }

// message takes the row apart.
func (r *row) message() event.Message {
	return event.Message{
		ID: r.text(colEventID), Source: r.text(colSource), Type: r.text(colType), Subject: r.text(colSubject),
		Topic: r.topic, Key: r.text(colKey), Time: time.UnixMicro(r.occurred).UTC(),
		Extensions: decodeHeaders(r.text(colHeaders)),
		Data:       r.data,
	}
}

// scanner takes rows apart by hand: that is the relay's dearest step but for publishing, and Scan's generality would
// double it.
type scanner struct {
	topics map[string]string // one copy of each
	buf    []byte
}

// collect reads all rows and closes them; expect is how many there may be, at a guess.
func (s *scanner) collect(rows pgx.Rows, expect int) ([]*row, error) {
	defer rows.Close()
	var found []*row
	for rows.Next() {
		if found == nil { // only now: a query that failed has no columns
			if err := checkColumns(rows.FieldDescriptions()); err != nil {
				return nil, err
			}
			found = make([]*row, 0, expect)
		}
		found = append(found, s.row(rows.RawValues()))
	}
	return found, rows.Err()
}

// checkColumns refuses what scanner.row cannot read. Text is the same in the text and in the binary format; all else must
// come in the binary one.
func checkColumns(fields []pgconn.FieldDescription) error {
	if len(fields) != colCount {
		return fmt.Errorf("outbox row of %d columns, want %d", len(fields), colCount)
	}
	for i, f := range fields {
		want := uint32(pgtype.TextOID)
		switch i {
		case colID:
			want = pgtype.Int8OID
		case colAttempts:
			want = pgtype.Int4OID
		case colOccurredAt, colCreatedAt, colNextAt:
			want = pgtype.TimestamptzOID
		case colPayload:
			want = pgtype.ByteaOID
		}
		if f.DataTypeOID != want || want != pgtype.TextOID && f.Format != pgtype.BinaryFormatCode {
			return fmt.Errorf("outbox column %s has type %d in format %d, want type %d", f.Name, f.DataTypeOID, f.Format, want)
		}
	}
	return nil
}

// row copies v, which is valid until the next row only.
func (s *scanner) row(v [][]byte) *row {
	r := &row{
		id:       int64(binary.BigEndian.Uint64(v[colID])),
		topic:    s.topic(v[colTopic]),
		occurred: timestamp(v[colOccurredAt]),
		created:  timestamp(v[colCreatedAt]),
		attempts: int32(binary.BigEndian.Uint32(v[colAttempts])),
	}
	if at := v[colNextAt]; at != nil {
		r.nextAt = timestamp(at)
	}
	s.buf = s.buf[:0]
	for i, text := range v[:textColumns] {
		s.buf = append(s.buf, text...)
		r.ends[i] = int32(len(s.buf))
	}
	r.texts = string(s.buf)
	r.data = make([]byte, len(v[colPayload])) // never nil, which a broker may take for a deletion
	copy(r.data, v[colPayload])
	return r
}

func (s *scanner) topic(b []byte) string {
	if t, ok := s.topics[string(b)]; ok {
		return t
	}
	if s.topics == nil || len(s.topics) >= 1000 { // more are hardly worth to be kept
		s.topics = map[string]string{}
	}
	t := string(b)
	s.topics[t] = t
	return t
}

// timestamp reads a timestamptz, which counts from 2000 (PostgreSQL, timestamp.h: POSTGRES_EPOCH_JDATE).
func timestamp(b []byte) int64 {
	const epoch = 946_684_800_000_000
	return int64(binary.BigEndian.Uint64(b)) + epoch
}
