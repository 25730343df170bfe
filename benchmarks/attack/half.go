package main

func halfOpen(p *player) string {
	l, err := p.connect(0)
	if err != nil {
		return p.noPlace(err)
	}
	defer l.Close()
	p.place()
	return p.refused(l)
}

func halfRecord(p *player) string {
	l, record, err := p.record()
	if err != nil {
		return p.noPlace(err)
	}
	defer l.Close()
	if err := p.pour(l.tcp, record[:len(record)/2]); err != nil {
		return p.ended(err)
	}
	p.place()
	return p.closed(l)
}
