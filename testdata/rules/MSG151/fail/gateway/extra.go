package main

import _ "example.com/shop/services/payments/rates"

func main() {}
