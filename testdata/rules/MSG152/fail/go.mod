module example.com/shop

go 1.26

require (
	example.com/money v1.2.0
	example.com/tax v0.1.0
	example.com/text v0.1.0
)

replace (
	example.com/money v1.2.0 => ../money // until it is released
	example.com/tax => "/home/anna/tax"
)

//msgen:ignore MSG152 -- lives in this repository and is copied into every image
replace example.com/text => ./text
