package merge

import "testing"

func TestGoMod(t *testing.T) {
	const base = "module example.com/shop\n\ngo 1.26.0\n\nrequire (\n\ta.example/x v1.0.0\n\ta.example/y v1.2.0\n)\n\nrequire a.example/z v0.1.0 // indirect\n"
	for name, c := range map[string]struct{ yours, theirs, want string }{
		"nothing new": {
			"module example.com/shop\n\ngo 1.26.0\n\nrequire a.example/x v1.0.0 // why\n", base,
			"module example.com/shop\n\ngo 1.26.0\n\nrequire a.example/x v1.0.0 // why\n",
		},
		"a requirement, a replacement and a newer version of your own": {
			"module example.com/shop\n\ngo 1.26.0\n\nrequire (\n\ta.example/x v1.0.0\n\ta.example/y v1.9.0\n\tmine.example/m v0.3.0 // for the report\n)\n\nrequire a.example/z v0.1.0 // indirect\n\nreplace a.example/x => a.example/fork v1.0.1\n",
			"module example.com/shop\n\ngo 1.26.2\n\nrequire (\n\ta.example/n v1.0.0\n\ta.example/x v1.1.0\n\ta.example/y v1.3.0\n)\n\nrequire a.example/z v0.1.0 // indirect\n",
			"module example.com/shop\n\ngo 1.26.2\n\nrequire (\n\ta.example/x v1.1.0\n\ta.example/y v1.9.0\n\tmine.example/m v0.3.0 // for the report\n)\n\nrequire a.example/n v1.0.0\n\nrequire a.example/z v0.1.0 // indirect\n\nreplace a.example/x => a.example/fork v1.0.1\n",
		},
		"a newer go, and what is needed no more": {
			"module example.com/mine\n\ngo 1.27.0\n\nrequire (\n\ta.example/x v1.0.0\n\ta.example/y v1.2.0\n)\n",
			"module example.com/shop\n\ngo 1.26.2\n\nrequire a.example/x v1.0.0\n\nrequire a.example/w v0.2.0 // indirect\n",
			"module example.com/mine\n\ngo 1.27.0\n\nrequire (\n\ta.example/x v1.0.0\n\ta.example/y v1.2.0\n)\n\nrequire a.example/w v0.2.0 // indirect\n",
		},
		"another module path": {
			"module example.com/shop\n\ngo 1.26.0\n\nrequire mine.example/m v0.3.0\n", "module example.com/store\n\ngo 1.26.0\n",
			"module example.com/store\n\ngo 1.26.0\n\nrequire mine.example/m v0.3.0\n",
		},
	} {
		got, err := GoMod([]byte(base), []byte(c.yours), []byte(c.theirs))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, c.want)
		}
	}
	if _, err := GoMod([]byte(base), []byte("<<<<<<< yours\n"), []byte(base)); err == nil {
		t.Error("markers pass for a go.mod")
	}
}

func TestGoSum(t *testing.T) {
	got := GoSum([]byte("b v1 h1:x\nmine v1 h1:y\r\n"), []byte("a v1 h1:z\nb v1 h1:x\n"))
	if string(got) != "a v1 h1:z\nb v1 h1:x\nmine v1 h1:y\n" {
		t.Errorf("got %q", got)
	}
}
