//go:build race

package epoll

const raceDetector = true
