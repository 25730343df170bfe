//go:build poll_opt

package epoll

// With the build tag poll_opt gnet keeps pointers where this package writes
// descriptors, so that pausing would crash.
var _ = lapps_does_not_work_with_the_build_tag_poll_opt
