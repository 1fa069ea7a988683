// Package report reads the warehouse, for every service.
package report

import "database/sql"

// Open opens the warehouse.
func Open() (*sql.DB, error) { return sql.Open("warehouse", "") }
