/* Water in a stratified tank: draws and mixing by inversion. Part of water_heater.c, which includes it where its constants
 * are known; apart only to be read apart.
 */
#ifndef TANK_H
#define TANK_H

/* Tap water from one tank for one sub-step; adds the heat taken, relative to mains water, and what a mixed tap lacked. */
static void draw(const Devices *d, size_t i, int layers, double layer[][LANES], double tapped_l, double tap_degc,
                 double *delivered_j, double *unmet_j)
{
    const int bottom = layers - 1;
    const double layer_l = d->layer_volume_l[i];
    const double mains_degc = d->temperature_mains_degc[i];
    while (tapped_l > 0.0) {
        const double top_degc = layer[0][0];
        double hot_share = 1.0; /* litres out of the tank per litre tapped */
        if (top_degc > tap_degc) {
            hot_share = mains_degc < tap_degc ? (tap_degc - mains_degc) / (top_degc - mains_degc) : 0.0;
        }
        double hot_l = tapped_l * hot_share;
        if (hot_l <= layer_l) {
            tapped_l = 0.0;
        } else {
            hot_l = layer_l;
            tapped_l -= hot_l / hot_share;
        }
        const double share = hot_l / layer_l;
        *delivered_j += hot_l * WATER_J_PER_L_K * (top_degc - mains_degc);
        *unmet_j += hot_l * WATER_J_PER_L_K * most(tap_degc - top_degc, 0.0);
        for (int k = 0; k < bottom; k++) {
            layer[k][0] += share * (layer[k + 1][0] - layer[k][0]);
        }
        layer[bottom][0] += share * (mains_degc - layer[bottom][0]);
    }
}

/* Losses and conduction of some tanks for one sub-step; adds the heat lost to the room. */
UNROLLED void exchange(const Devices *d, size_t first, int lanes, int layers, Layers layer, double sub_s,
                            double lost_j[LANES])
{
    const int bottom = layers - 1;
    double k_per_w[LANES];
    double bottom_w[LANES];
    double from_above_w[LANES];
    double loss_w[LANES];
    for (int j = 0; j < lanes; j++) {
        const size_t i = first + (size_t)j;
        const double top_w = d->end_w_per_k[i] * (layer[0][j] - d->temperature_ambient_degc[i]);
        k_per_w[j] = sub_s / (d->layer_volume_l[i] * WATER_J_PER_L_K);
        bottom_w[j] = d->end_w_per_k[i] * (layer[bottom][j] - d->temperature_ambient_degc[i]);
        from_above_w[j] = -top_w;
        loss_w[j] = top_w + bottom_w[j];
    }
    for (int k = 0; k <= bottom; k++) {
        for (int j = 0; j < lanes; j++) {
            const size_t i = first + (size_t)j;
            const double side_w = d->side_w_per_k[i] * (layer[k][j] - d->temperature_ambient_degc[i]);
            const double to_below_w
                = k < bottom ? d->conduction_w_per_k[i] * (layer[k][j] - layer[k + 1][j]) : bottom_w[j];
            loss_w[j] += side_w;
            layer[k][j] += (from_above_w[j] - to_below_w - side_w) * k_per_w[j];
            from_above_w[j] = to_below_w;
        }
    }
    for (int j = 0; j < lanes; j++) {
        lost_j[j] += loss_w[j] * sub_s;
    }
}

/* Mix the layers of one tank until none is hotter than the one above, keeping the heat. */
static void mix_tank(int layers, double layer[][LANES])
{
    double sum[MAX_LAYERS];
    int count[MAX_LAYERS];
    int blocks = 0;
    for (int k = 0; k < layers; k++) {
        sum[blocks] = layer[k][0];
        count[blocks] = 1;
        blocks++;
        while (blocks > 1 && sum[blocks - 1] * count[blocks - 2] > sum[blocks - 2] * count[blocks - 1]) {
            sum[blocks - 2] += sum[blocks - 1];
            count[blocks - 2] += count[blocks - 1];
            blocks--;
        }
    }
    int k = 0;
    for (int b = 0; b < blocks; b++) {
        const double mean = sum[b] / count[b];
        for (int j = 0; j < count[b]; j++) {
            layer[k][0] = mean;
            k++;
        }
    }
}

/* The same for some tanks. What happens in most sub-steps, a top that has cooled and sinks, needs no branch. */
UNROLLED void mix(int lanes, int layers, Layers layer)
{
    double sum[LANES];
    double count[LANES];
    double joins[LANES]; /* 1 while the next layer is hotter than the mean of those above */
    double inverted[LANES];
    for (int j = 0; j < lanes; j++) {
        sum[j] = layer[0][j];
        count[j] = 1.0;
        joins[j] = 1.0;
        inverted[j] = 0.0;
    }
    for (int k = 1; k < layers; k++) {
        for (int j = 0; j < lanes; j++) {
            joins[j] = layer[k][j] * count[j] > sum[j] ? joins[j] : 0.0;
            sum[j] += joins[j] * layer[k][j];
            count[j] += joins[j];
        }
    }
    for (int j = 0; j < lanes; j++) {
        sum[j] /= count[j];
    }
    for (int k = 0; k < layers; k++) {
        for (int j = 0; j < lanes; j++) {
            layer[k][j] = k < count[j] ? sum[j] : layer[k][j];
        }
    }
    for (int k = 1; k < layers; k++) {
        for (int j = 0; j < lanes; j++) {
            inverted[j] = layer[k][j] > layer[k - 1][j] ? 1.0 : inverted[j];
        }
    }
    for (int j = 0; j < lanes; j++) {
        if (inverted[j] > 0.0) {
            mix_tank(layers, (double(*)[LANES])&layer[0][j]);
        }
    }
}

#endif
