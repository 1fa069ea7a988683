// Command demo generates the shop into an empty folder, runs it as processes on real components, places an order and shows what became
// of it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/msgen-dev/msgen/cmd/internal/cli"
	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := demo(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

const placeOrder = `{
  "customerId": "0192f0c1-2c3d-7e4f-8a5b-6c7d8e9f0a1b",
  "lines": [{"sku": "tea", "quantity": 3}],
  "total": {"currencyCode": "EUR", "units": "21"}
}`

func demo(ctx context.Context) (err error) {
	components, err := e2e.FromEnv()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "msgen-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	fmt.Println("$ msgen new shop --example shop")
	shopDir := filepath.Join(dir, "shop")
	if code := cli.Main([]string{"new", "shop", "--example", "shop", "--dir", shopDir}, strings.NewReader(""), os.Stdout, os.Stderr); code != 0 {
		return fmt.Errorf("msgen new ended with code %d", code)
	}
	fmt.Println("$ go build ./services/... ./gateway")
	services := []string{"orders", "pricing", "inventory", "payments", "notifications", "history"}
	shop, err := e2e.Build(ctx, shopDir, "shop", services, components, os.Stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shop.Stop(context.WithoutCancel(ctx))) }()
	if err := shop.Start(ctx); err != nil {
		return err
	}

	token, err := shop.Token("demo", "orders.read", "orders.write")
	if err != nil {
		return err
	}
	fmt.Println("$ POST /v1/orders")
	status, body, _, err := shop.Do(ctx, http.MethodPost, "/v1/orders", token, "demo-1", strings.NewReader(placeOrder))
	if err != nil {
		return err
	}
	if status != http.StatusCreated {
		return fmt.Errorf("POST /v1/orders: %d %s\n%s", status, body, shop.Process("orders").Tail())
	}
	var order struct{ ID, State string }
	if err := json.Unmarshal(body, &order); err != nil {
		return err
	}
	fmt.Printf("  %d, order %s is %s\n", status, order.ID, order.State)

	// The saga reserves stock, authorizes the payment, confirms the order and captures the payment.
	path := "/v1/history/" + order.ID
	fmt.Println("$ GET " + path)
	for deadline := time.Now().Add(time.Minute); ; {
		_, body, _, err = shop.Do(ctx, http.MethodGet, path, token, "", nil)
		if err != nil {
			return err
		}
		var history struct {
			Status   string
			Captured *struct{ Units string }
		}
		if err := json.Unmarshal(body, &history); err == nil && history.Status == "confirmed" && history.Captured != nil {
			fmt.Printf("  the order is %s and %s EUR are captured\n", history.Status, history.Captured.Units)
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the order was not confirmed in a minute: %s", body)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
