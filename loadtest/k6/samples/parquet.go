package samples

import (
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// SchemaVersion is the version of the file format, in the metadata key `bench.schema_version`.
const SchemaVersion = 1

const (
	rowsPerGroup = 128 << 10
	batchRows    = 4 << 10
)

// record is one row of the file. Durations and start times are delta-packed: about 20 bits each instead of 64, which
// no general compressor improves on by much, so pages are not compressed and any reader can open them.
type record struct {
	StartedAt int64  `parquet:"started_at,delta"`
	Duration  int64  `parquet:"duration,delta"`
	Waiting   int64  `parquet:"waiting,delta"`
	Status    int32  `parquet:"status,dict"`
	Endpoint  string `parquet:"endpoint,dict"`
	Phase     string `parquet:"phase,dict"`
	Failed    bool   `parquet:"failed"`
}

// Encode writes the rows of the store as a Parquet file. k6Version goes into the metadata.
func Encode(w io.Writer, s *Store, k6Version string) error {
	writer := parquet.NewGenericWriter[record](w,
		parquet.CreatedBy("bench-frameworks", strconv.Itoa(SchemaVersion), "lab"),
		parquet.Compression(&parquet.Uncompressed),
		parquet.MaxRowsPerRowGroup(rowsPerGroup),
		parquet.KeyValueMetadata("bench.schema_version", strconv.Itoa(SchemaVersion)),
		parquet.KeyValueMetadata("k6.version", k6Version),
		parquet.KeyValueMetadata("rows", strconv.Itoa(s.Rows())),
		parquet.KeyValueMetadata("rows_dropped", strconv.FormatUint(s.Dropped(), 10)),
	)
	batch := make([]record, 0, batchRows)
	for start := 0; start < s.Rows(); start += batchRows {
		batch = batch[:0]
		for i := start; i < min(start+batchRows, s.Rows()); i++ {
			r := s.request(i)
			batch = append(batch, record{
				StartedAt: r.StartedAt,
				Duration:  r.Duration,
				Waiting:   r.Waiting,
				Status:    int32(r.Status),
				Endpoint:  r.Endpoint,
				Phase:     r.Phase,
				Failed:    r.Failed,
			})
		}
		if _, err := writer.Write(batch); err != nil {
			return fmt.Errorf("cannot encode rows from %d on: %w", start, err)
		}
	}
	if err := writer.Close(); err != nil {
		return fmt.Errorf("cannot finish the Parquet file: %w", err)
	}
	return nil
}
