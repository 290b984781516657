package reference

// pageLength is how many elements a page of a paged list has.
const pageLength = 64

// paged is a list that grows by whole pages. A slice that grows copies all of it while its
// loop's connections wait, and leaves several times its size behind for the collector, which
// stays in the process's memory; here nothing moves, so a pointer to an element holds for as
// long as the element does (RES-4). Pages stay once they are there. It belongs to one thread.
type paged[T any] struct {
	pages  []*[pageLength]T
	length int
}

// at is the element i, which is below the length.
func (p *paged[T]) at(i int) *T { return &p.pages[i/pageLength][i%pageLength] }

// push adds an element behind the others.
func (p *paged[T]) push(v T) {
	if p.length == len(p.pages)*pageLength {
		p.pages = append(p.pages, new([pageLength]T))
	}
	*p.at(p.length) = v
	p.length++
}

// pop takes the last element off.
func (p *paged[T]) pop() (last T) {
	p.length--
	at := p.at(p.length)
	last, *at = *at, last
	return last
}
