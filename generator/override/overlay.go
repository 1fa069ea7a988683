package override

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"time"
)

// FS is fsys with the overrides in the places of their originals. The line that says what a copied Go file was made from is left out.
func (s *Set) FS(fsys fs.FS) fs.FS {
	if len(s.All()) == 0 {
		return fsys
	}
	return overlay{fsys, s}
}

type overlay struct {
	fs.FS
	set *Set
}

func (f overlay) text(name string) ([]byte, bool) {
	o := f.set.Get(name)
	if o == nil {
		return nil, false
	}
	if IsTemplate(name) {
		return o.File.Content, true // it is a comment there, and positions stay what they are
	}
	body, _ := Body(o.File.Content)
	return body, true
}

// ReadFile implements fs.ReadFileFS.
func (f overlay) ReadFile(name string) ([]byte, error) {
	if text, ok := f.text(name); ok {
		return bytes.Clone(text), nil
	}
	return fs.ReadFile(f.FS, name)
}

// ReadDir implements fs.ReadDirFS: an override stands where its original does.
func (f overlay) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(f.FS, name) }

// Open implements fs.FS.
func (f overlay) Open(name string) (fs.File, error) {
	if text, ok := f.text(name); ok {
		return &file{bytes.NewReader(text), info{path.Base(name), int64(len(text))}}, nil
	}
	return f.FS.Open(name)
}

// file is an override that is read.
type file struct {
	io.Reader
	info info
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

type info struct {
	name string
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return 0o444 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }
