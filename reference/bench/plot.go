package main

import (
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// shades tell the kinds of servers apart.
var shades = map[kind]color.Color{
	limit:     color.RGBA{0x8a, 0x8a, 0x8a, 0xff},
	ours:      color.RGBA{0xd0, 0x4a, 0x1e, 0xff},
	goPeer:    color.RGBA{0x3b, 0x7d, 0xb8, 0xff},
	otherPeer: color.RGBA{0xc4, 0xc4, 0xc4, 0xff},
}

// plot draws one column a grid point: CPU a request above, system calls below.
func (r Results) plot(path string) error {
	rows := []struct {
		title  string
		values func(cell int, name string) []float64
	}{
		{"server CPU a request, µs", func(cell int, name string) []float64 { return r.values(cell, name, cpu) }},
		{"system calls a request", func(cell int, name string) []float64 { return r.calls(cell, name, total) }},
	}
	panels := make([][]*plot.Plot, len(rows))
	for i, row := range rows {
		for k, c := range r.Head.Grid {
			panel, err := r.panel(c, row.title, func(name string) []float64 { return row.values(k, name) })
			if err != nil {
				return err
			}
			panels[i] = append(panels[i], panel)
		}
	}
	canvas := vgsvg.New(vg.Length(len(r.Head.Grid))*8*vg.Centimeter, 16*vg.Centimeter)
	tiles := draw.Tiles{Rows: len(rows), Cols: len(r.Head.Grid), PadX: vg.Centimeter / 2, PadY: vg.Centimeter / 2}
	tiles.PadTop, tiles.PadBottom, tiles.PadLeft, tiles.PadRight = tiles.PadY, tiles.PadY, tiles.PadX, tiles.PadX
	areas := plot.Align(panels, tiles, draw.New(canvas))
	for i := range panels {
		for k := range panels[i] {
			panels[i][k].Draw(areas[i][k])
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// panel is one bar a server, the interval of its median on top.
func (r Results) panel(c Cell, title string, values func(name string) []float64) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("N=%d S=%d P=%d", c.Conns, c.Size, c.Depth)
	p.Y.Label.Text = title
	p.Y.Min = 0
	p.BackgroundColor = color.White
	var names []string
	var points plotter.XYs
	var errors plotter.YErrors
	for i, s := range r.Head.Servers {
		names = append(names, s.Title)
		e := estimate(values(s.Name))
		bar, err := plotter.NewBarChart(plotter.Values{e.Mid}, vg.Points(14))
		if err != nil {
			return nil, err
		}
		bar.XMin, bar.Color, bar.LineStyle.Width = float64(i), shades[s.Kind], 0
		p.Add(bar)
		points = append(points, plotter.XY{X: float64(i), Y: e.Mid})
		errors = append(errors, struct{ Low, High float64 }{e.Mid - e.Low, e.High - e.Mid})
	}
	whiskers, err := plotter.NewYErrorBars(struct {
		plotter.XYs
		plotter.YErrors
	}{points, errors})
	if err != nil {
		return nil, err
	}
	p.Add(whiskers)
	p.NominalX(names...)
	p.X.Tick.Label.Rotation = 0.9
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
	return p, nil
}
