package stuck

import (
	"context"
	"fmt"
	"slices"
)

// desks are those of all shards; one if the service has none.
type desks []*desk

// list returns the stuck work of a kind, of all for "", shard by shard.
func (ds desks) list(ctx context.Context, kind string) ([]Item, error) {
	items := []Item{} // JSON's [], not null
	for _, d := range ds {
		more, err := d.list(ctx, kind)
		if err != nil {
			return nil, err
		}
		items = append(items, more...)
	}
	return items, nil
}

// of returns the desk where an item is.
func (ds desks) of(id itemID) (*desk, error) {
	for _, d := range ds {
		if d.shard == id.shard {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%s: there is no shard %s", id, id.shard)
}

func (ds desks) find(ctx context.Context, id itemID) (Item, error) {
	d, err := ds.of(id)
	if err != nil {
		return Item{}, err
	}
	return d.find(ctx, id)
}

func (ds desks) change(ctx context.Context, verb string, item Item, by, reason string) (string, error) {
	d, err := ds.of(item.id)
	if err != nil {
		return "", err
	}
	return d.change(ctx, verb, item, by, reason)
}

// log returns what was done, the last first.
func (ds desks) log(ctx context.Context) ([]logged, error) {
	entries := []logged{} // JSON's [], not null
	for _, d := range ds {
		more, err := d.log(ctx)
		if err != nil {
			return nil, err
		}
		entries = append(entries, more...)
	}
	slices.SortStableFunc(entries, func(a, b logged) int { return b.At.Compare(a.At) })
	return entries, nil
}
