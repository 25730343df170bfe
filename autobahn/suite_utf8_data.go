package main

// textTableData has a line per case: id, payload in hexadecimal, with an
// exclamation mark where it is not valid UTF-8, and what it is. A test holds
// the marks against unicode/utf8.
const textTableData = `
6.5.1 68656c6c6f24776f726c64 sequences of one to four octets
6.5.2 68656c6c6fc2a2776f726c64 sequences of one to four octets
6.5.3 68656c6c6fe282ac776f726c64 sequences of one to four octets
6.5.4 68656c6c6ff0a4ada2776f726c64 sequences of one to four octets
6.5.5 cebae1bdb9cf83cebcceb5 sequences of one to four octets
6.6.1 !ce a Greek word, cut short
6.6.2 ceba a Greek word, cut short
6.6.3 !cebae1 a Greek word, cut short
6.6.4 !cebae1bd a Greek word, cut short
6.6.5 cebae1bdb9 a Greek word, cut short
6.6.6 !cebae1bdb9cf a Greek word, cut short
6.6.7 cebae1bdb9cf83 a Greek word, cut short
6.6.8 !cebae1bdb9cf83ce a Greek word, cut short
6.6.9 cebae1bdb9cf83cebc a Greek word, cut short
6.6.10 !cebae1bdb9cf83cebcce a Greek word, cut short
6.6.11 cebae1bdb9cf83cebcceb5 a Greek word, cut short
6.7.1 00 the lowest code point of a length
6.7.2 c280 the lowest code point of a length
6.7.3 e0a080 the lowest code point of a length
6.7.4 f0908080 the lowest code point of a length
6.8.1 !f888808080 five or six octets are no UTF-8
6.8.2 !fc8480808080 five or six octets are no UTF-8
6.9.1 7f the highest code point of a length
6.9.2 dfbf the highest code point of a length
6.9.3 efbfbf the highest code point of a length
6.9.4 f48fbfbf the highest code point of a length
6.10.1 !f7bfbfbf bit patterns above U+10FFFF
6.10.2 !fbbfbfbfbf bit patterns above U+10FFFF
6.10.3 !fdbfbfbfbfbf bit patterns above U+10FFFF
6.11.1 ed9fbf at the edges of the code space
6.11.2 ee8080 at the edges of the code space
6.11.3 efbfbd at the edges of the code space
6.11.4 f48fbfbf at the edges of the code space
6.11.5 !f4908080 at the edges of the code space
6.12.1 !80 continuation octets without a start
6.12.2 !bf continuation octets without a start
6.12.3 !80bf continuation octets without a start
6.12.4 !80bf80 continuation octets without a start
6.12.5 !80bf80bf continuation octets without a start
6.12.6 !80bf80bf80 continuation octets without a start
6.12.7 !80bf80bf80bf continuation octets without a start
6.12.8 !808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbe continuation octets without a start
6.13.1 !c020c120c220c320c420c520c620c720c820c920ca20cb20cc20cd20ce20cf20d020d120d220d320d420d520d620d720d820d920da20db20dc20dd20de20 start octets without a continuation
6.13.2 !e020e120e220e320e420e520e620e720e820e920ea20eb20ec20ed20ee20 start octets without a continuation
6.13.3 !f020f120f220f320f420f520f620 start octets without a continuation
6.13.4 !f820f920fa20 start octets without a continuation
6.13.5 !fc20 start octets without a continuation
6.14.1 !c0 the last octet is missing
6.14.2 !e080 the last octet is missing
6.14.3 !f08080 the last octet is missing
6.14.4 !f8808080 the last octet is missing
6.14.5 !fc80808080 the last octet is missing
6.14.6 !df the last octet is missing
6.14.7 !efbf the last octet is missing
6.14.8 !f7bfbf the last octet is missing
6.14.9 !fbbfbfbf the last octet is missing
6.14.10 !fdbfbfbfbf the last octet is missing
6.15.1 !c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf many sequences without their last octet
6.16.1 !fe octets that never occur
6.16.2 !ff octets that never occur
6.16.3 !fefeffff octets that never occur
6.17.1 !c0af an overlong slash
6.17.2 !e080af an overlong slash
6.17.3 !f08080af an overlong slash
6.17.4 !f8808080af an overlong slash
6.17.5 !fc80808080af an overlong slash
6.18.1 !c1bf the longest overlong forms
6.18.2 !e09fbf the longest overlong forms
6.18.3 !f08fbfbf the longest overlong forms
6.18.4 !f887bfbfbf the longest overlong forms
6.18.5 !fc83bfbfbfbf the longest overlong forms
6.19.1 !c080 an overlong NUL
6.19.2 !e08080 an overlong NUL
6.19.3 !f0808080 an overlong NUL
6.19.4 !f880808080 an overlong NUL
6.19.5 !fc8080808080 an overlong NUL
6.20.1 !eda080 a lone surrogate
6.20.2 !edadbf a lone surrogate
6.20.3 !edae80 a lone surrogate
6.20.4 !edafbf a lone surrogate
6.20.5 !edb080 a lone surrogate
6.20.6 !edbe80 a lone surrogate
6.20.7 !edbfbf a lone surrogate
6.21.1 !eda080edb080 a pair of surrogates
6.21.2 !eda080edbfbf a pair of surrogates
6.21.3 !edadbfedb080 a pair of surrogates
6.21.4 !edadbfedbfbf a pair of surrogates
6.21.5 !edae80edb080 a pair of surrogates
6.21.6 !edae80edbfbf a pair of surrogates
6.21.7 !edafbfedb080 a pair of surrogates
6.21.8 !edafbfedbfbf a pair of surrogates
6.22.1 efbfbe non-characters are legal
6.22.2 efbfbf non-characters are legal
6.22.3 f09fbfbe non-characters are legal
6.22.4 f09fbfbf non-characters are legal
6.22.5 f0afbfbe non-characters are legal
6.22.6 f0afbfbf non-characters are legal
6.22.7 f0bfbfbe non-characters are legal
6.22.8 f0bfbfbf non-characters are legal
6.22.9 f18fbfbe non-characters are legal
6.22.10 f18fbfbf non-characters are legal
6.22.11 f19fbfbe non-characters are legal
6.22.12 f19fbfbf non-characters are legal
6.22.13 f1afbfbe non-characters are legal
6.22.14 f1afbfbf non-characters are legal
6.22.15 f1bfbfbe non-characters are legal
6.22.16 f1bfbfbf non-characters are legal
6.22.17 f28fbfbe non-characters are legal
6.22.18 f28fbfbf non-characters are legal
6.22.19 f29fbfbe non-characters are legal
6.22.20 f29fbfbf non-characters are legal
6.22.21 f2afbfbe non-characters are legal
6.22.22 f2afbfbf non-characters are legal
6.22.23 f2bfbfbe non-characters are legal
6.22.24 f2bfbfbf non-characters are legal
6.22.25 f38fbfbe non-characters are legal
6.22.26 f38fbfbf non-characters are legal
6.22.27 f39fbfbe non-characters are legal
6.22.28 f39fbfbf non-characters are legal
6.22.29 f3afbfbe non-characters are legal
6.22.30 f3afbfbf non-characters are legal
6.22.31 f3bfbfbe non-characters are legal
6.22.32 f3bfbfbf non-characters are legal
6.22.33 f48fbfbe non-characters are legal
6.22.34 f48fbfbf non-characters are legal
6.23.1 efbfb9 specials are legal
6.23.2 efbfba specials are legal
6.23.3 efbfbb specials are legal
6.23.4 efbfbc specials are legal
6.23.5 efbfbd specials are legal
6.23.6 efbfbe specials are legal
6.23.7 efbfbf specials are legal
`
