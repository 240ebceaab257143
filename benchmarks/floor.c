/* The floor: step through TradeFill, touch every column fillbook reads, do nothing else. */
#include <sqlite3.h>
#include <stdio.h>

int main(int argc, char **argv) {
    sqlite3 *db;
    sqlite3_stmt *rows;
    const char *query =
        "SELECT rowid, config_file_path, strategy, market, symbol, base_asset, quote_asset, timestamp, "
        "order_id, trade_type, order_type, price, amount, leverage, trade_fee, trade_fee_in_quote, "
        "exchange_trade_id, position FROM TradeFill";
    if (argc != 2 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, 0) != SQLITE_OK) return 1;
    if (sqlite3_prepare_v2(db, query, -1, &rows, 0) != SQLITE_OK) return 1;
    long long sum = 0, n = 0;
    int columns = sqlite3_column_count(rows);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        n++;
        for (int i = 0; i < columns; i++) {
            if (sqlite3_column_type(rows, i) == SQLITE_INTEGER) {
                sum += sqlite3_column_int64(rows, i);
            } else if (sqlite3_column_type(rows, i) == SQLITE_TEXT) {
                const unsigned char *text = sqlite3_column_text(rows, i);
                sum += text[0] + sqlite3_column_bytes(rows, i);
            }
        }
    }
    printf("%lld %lld\n", n, sum);
    return 0;
}
