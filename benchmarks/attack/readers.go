package main

// tight is the receive buffer, in bytes, of those who do not read: the kernel
// shall not do it for them.
const tight = 4 << 10

func deadReader(p *player) string {
	l, err := p.open(tight)
	if err != nil {
		return p.noPlace(err)
	}
	defer l.Close()
	p.place()
	message := frame(opBinary, make([]byte, p.size))
	p.flood(l, nil, message)
	if p.ctx.Err() != nil {
		return "stayed"
	}
	return "cut off"
}

func silentReader(p *player) string {
	l, err := p.open(tight)
	if err != nil {
		return p.noPlace(err)
	}
	defer l.tcp.Close()
	if !l.release() { // it is to read what came, in the end
		return "stayed"
	}
	if p.message != "" {
		if err := p.pour(l, frame(opText, []byte(p.message))); err != nil {
			return p.ended(err)
		}
	}
	p.place()
	<-p.ctx.Done()
	return p.cutOff(l)
}
