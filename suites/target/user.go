package target

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// identity is the user under whom a server is started.
type identity struct {
	name     string // for people; numbers where the system knows no name
	uid, gid uint32
	groups   []uint32 // beside gid
	home     string
}

// userForm is a user's name, or numbers: uid or uid:gid.
var userForm = regexp.MustCompile(`^(?:[A-Za-z_][A-Za-z0-9_.-]*|[0-9]+(?::[0-9]+)?)$`)

// checkUser finds what cannot be a user on any machine.
func checkUser(word string) error {
	if word == "" || userForm.MatchString(word) {
		return nil
	}
	return fmt.Errorf("user: %q is no user: write a name such as nobody, or numbers, uid or uid:gid", word)
}

// UserKnown returns an error where the file names a user whom this machine does not know.
func (f File) UserKnown() error {
	_, err := identify(f.User)
	return err
}

// identify finds a user; nil for no word. A number need not be a user of this machine.
func identify(word string) (*identity, error) {
	if word == "" {
		return nil, nil
	}
	first, group, grouped := strings.Cut(word, ":")
	id := &identity{name: word, home: "/"}
	find := user.Lookup
	number, err := strconv.ParseUint(first, 10, 32)
	if err == nil {
		find = user.LookupId
		id.uid, id.gid = uint32(number), uint32(number)
	}
	known, unknown := find(first)
	switch {
	case unknown != nil && err != nil:
		return nil, &LaunchError{Cause: ErrUser, Detail: fmt.Sprintf("user: this machine has no user %s: name one that it has, or a number", word)}
	case unknown == nil:
		own, wrong := strconv.ParseUint(known.Uid, 10, 32)
		its, bad := strconv.ParseUint(known.Gid, 10, 32)
		if wrong != nil || bad != nil {
			return nil, &LaunchError{Cause: ErrUser, Detail: fmt.Sprintf("user: %s has no numbers here: uid %q, gid %q", word, known.Uid, known.Gid)}
		}
		id.uid, id.gid, id.home = uint32(own), uint32(its), known.HomeDir
		if !grouped {
			id.name = known.Username
		}
		member, err := known.GroupIds()
		if err != nil {
			return nil, &LaunchError{Cause: ErrUser, Detail: fmt.Sprintf("user: the groups of %s cannot be told: %v", word, err)}
		}
		for _, text := range member {
			if n, err := strconv.ParseUint(text, 10, 32); err == nil {
				id.groups = append(id.groups, uint32(n))
			}
		}
	}
	if grouped {
		n, err := strconv.ParseUint(group, 10, 32)
		if err != nil {
			return nil, &LaunchError{Cause: ErrUser, Detail: fmt.Sprintf("user: %q is no number of a group", group)}
		}
		id.gid = uint32(n)
	}
	return id, nil
}

// as is the user to start a server of the file under, from a process of those ids; nil
// where that process is the user already.
func (f File) as(uid, gid int) (*identity, error) {
	id, err := identify(f.User)
	switch {
	case id == nil || err != nil:
		return nil, err
	case uid == int(id.uid) && (gid == int(id.gid) || !strings.Contains(f.User, ":")):
		return nil, nil
	case uid != 0:
		return nil, &LaunchError{Cause: ErrUser, Detail: fmt.Sprintf("user: %s has uid %d, gid %d, and only root can start a server so: run reactorspec as root or as that user", id.name, id.uid, id.gid)}
	}
	return id, nil
}

// chown makes a directory of ours the user's, who has to be able to get there.
func (id *identity) chown(scratch string) error {
	if id == nil {
		return nil
	}
	if barred := id.barred(filepath.Dir(scratch)); barred != "" {
		return &LaunchError{Cause: ErrUser, Detail: fmt.Sprintf("user: %s may not enter %s, where {scratch} is: set TMPDIR to a directory that everybody may enter", id.name, barred)}
	}
	if err := os.Chown(scratch, int(id.uid), int(id.gid)); err != nil {
		return &LaunchError{Cause: ErrUser, Detail: fmt.Sprintf("user: {scratch} cannot be given to %s: %v", id.name, err)}
	}
	return nil
}

// enters says that the user can run commands in a directory.
func (id *identity) enters(dir string) error {
	if id == nil {
		return nil
	}
	whole, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if barred := id.barred(whole); barred != "" {
		return &LaunchError{Cause: ErrUser, Detail: fmt.Sprintf("user: %s may not enter %s, and the command runs in %s: open it (chmod o+x), or set dir: to another directory", id.name, barred, whole)}
	}
	return nil
}

// barred is the outermost directory on the way to dir, itself included, that the user may
// not enter; "" where there is none.
func (id *identity) barred(dir string) string {
	if up := filepath.Dir(dir); up != dir {
		if barred := id.barred(up); barred != "" {
			return barred
		}
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "" // whoever uses it says what is wrong with it
	}
	enter, owner := os.FileMode(0o001), ownerOf(info)
	switch {
	case owner == nil || id.uid == 0:
		return ""
	case owner.uid == id.uid:
		enter = 0o100
	case owner.gid == id.gid || slices.Contains(id.groups, owner.gid):
		enter = 0o010
	}
	if info.Mode()&enter == 0 {
		return dir
	}
	return ""
}

// environment is what a login gives a user.
func (id *identity) environment() []string {
	if id == nil {
		return nil
	}
	return []string{"HOME=" + id.home, "USER=" + id.name, "LOGNAME=" + id.name}
}
