// Package shard spreads the rows of a service over shards: schemas of its database, each with all of the service's tables, among them
// outbox, inbox and sagas, so that a transaction stays within one.
//
// A key has one of 1024 slots: the first two bytes of its SHA-256, as a big-endian number, modulo 1024. A UUID counts in its canonical
// text. Table shards.slot says in which shard a slot is, so that adding shards moves no more slots than it must. The id of an aggregate
// carries its slot (see NewID): who knows an id needs no key.
//
// A transaction enters its slot first (InTx): it learns where the slot is, and the slot stays there until the transaction ends. Each row
// that it inserts takes the slot, in column shard_slot; a transaction that entered none cannot insert. A slot is moved with all rows that have
// it, in one transaction (see Add), which nobody sees half done: writers to the slot wait for it, readers and all other slots do not.
package shard

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Migrations creates the schema shards, with the map of the slots.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Slots is how many slots there are, for ever: ids hold them.
const Slots = 1024

// MaxShards is the most shards that a service can have.
const MaxShards = 64

// Place is where something belongs: a slot, or why it has none.
type Place struct {
	slot int
	err  error
}

// Slot is the place's number, 0 to 1023; an error if it has none.
func (p Place) Slot() (int, error) { return p.slot, p.err }

// OfText is the place of a key that is text. An empty one is INVALID_ARGUMENT.
func OfText(key string) Place {
	if key == "" {
		return Place{err: status.Error(codes.InvalidArgument, "the shard key is empty")}
	}
	sum := sha256.Sum256([]byte(key))
	return Place{slot: int(binary.BigEndian.Uint16(sum[:2])) % Slots}
}

// OfUUID is the place of a key that is a UUID, in any of its spellings. What is none is INVALID_ARGUMENT.
func OfUUID(key string) Place {
	u, err := uuid.Parse(key)
	if err != nil {
		return Place{err: status.Error(codes.InvalidArgument, "the shard key is not a UUID")}
	}
	return OfText(u.String())
}

// The last 16 bits of an id are its slot (10 bits) and a checksum of all else (6 bits).
const (
	checkBits = 6
	checkMask = 1<<checkBits - 1
)

// NewID makes an id with the place's slot in it. It is a UUIDv7 (RFC 9562), unique and in the order of time; of its random bits the last 16
// are the slot and a checksum.
func NewID(p Place) string {
	u := uuid.Must(uuid.NewV7())
	binary.BigEndian.PutUint16(u[14:], uint16(p.slot<<checkBits)|check(u, p.slot))
	return u.String()
}

// check is a checksum of an id without its last two bytes, and of a slot.
func check(u uuid.UUID, slot int) uint16 {
	sum := crc32.ChecksumIEEE(binary.BigEndian.AppendUint16(u[:14:14], uint16(slot)))
	return uint16(sum) & checkMask
}

// OfID is the place that an id names. One that NewID did not make names nothing: pgx.ErrNoRows.
func OfID(id string) Place {
	u, err := uuid.Parse(id)
	if err != nil {
		return Place{err: pgx.ErrNoRows}
	}
	last := binary.BigEndian.Uint16(u[14:])
	slot := int(last >> checkBits)
	if u.Version() != 7 || u.Variant() != uuid.RFC4122 || last&checkMask != check(u, slot) {
		return Place{err: pgx.ErrNoRows}
	}
	return Place{slot: slot}
}

// Check is an error unless an id carries the slot of its key: a row cannot change its shard key.
func Check(id string, key Place) error {
	at := OfID(id)
	switch {
	case at.err != nil:
		return status.Errorf(codes.InvalidArgument, "id %q was not made for a shard", id)
	case key.err != nil:
		return key.err
	case at.slot != key.slot:
		return status.Errorf(codes.InvalidArgument, "%s was made for another shard key, which cannot change", id)
	}
	return nil
}

// schema is the name of a shard's schema.
func schema(number int) string { return fmt.Sprintf("shard_%d", number) }
