#!/usr/bin/env python3
"""Makes photons.csv from the public Fermi-LAT photon list of PSR J0030+0451.

Source: PyPI package pint-pulsar 1.1.8 (BSD licence), which carries the FITS file as an example:
    python3 -m venv venv && venv/bin/pip install numpy astropy
    venv/bin/pip download --no-deps pint-pulsar==1.1.8 && unzip pint_pulsar-1.1.8-*.whl -d wheel
    venv/bin/python prepare.py wheel/pint/data/examples photons.csv

What it does: the file's arrival times are geocentric (TIMEREF GEOCENTRIC, TIMESYS TT). They are carried to the
solar-system barycentre for the catalogue's sky position (with its proper motion) with the Earth's position from
astropy's built-in ephemeris (ERFA epv00; no download): Roemer delay, Shapiro delay of the Sun, TT to TDB.
Nothing that only somebody who knows the pulsar's rotation could know goes into the times.

The column `phase` is the file's published PULSE_PHASE. No search reads it; it is there for comparison, and this
script uses it to print how well its own arrival times agree.
"""
import pathlib
import sys

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, get_body_barycentric, solar_system_ephemeris
from astropy.io import fits
from astropy.time import Time

FITS = "J0030+0451_P8_15.0deg_239557517_458611204_ft1weights_GEO_wt.gt.0.4.fits"
PAR = "PSRJ0030+0451_psrcat.par"
EPOCH_MJD = 55962  # MJD (TDB) from which time_s counts: near the middle of the data
AU_LIGHT_SECONDS = 499.00478383615643
SUN_SHAPIRO_SECONDS = 2 * 4.925490947641267e-6  # 2 G M / c^3 of the Sun
SECONDS_PER_DAY = 86400


def read_par(path):
    """The par file's values by name."""
    rows = (line.split() for line in path.read_text().splitlines())
    return {row[0]: row[1] for row in rows if len(row) >= 2}


def direction(par, tdb):
    """Unit vector to the pulsar at each time, proper motion (mas/yr, per year of RA times cos Dec) included."""
    star = SkyCoord(par["RAJ"], par["DECJ"], unit=(u.hourangle, u.deg), frame="icrs")
    years = (tdb.mjd - float(par["POSEPOCH"])) / 365.25
    mas = np.pi / (180 * 3600 * 1000)
    ra, dec = star.ra.rad, star.dec.rad
    ra = ra + float(par["PMRA"]) * mas * years / np.cos(dec)
    dec = dec + float(par["PMDEC"]) * mas * years
    return np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def barycentric_seconds(header, met, par):
    """TDB seconds since EPOCH_MJD at the solar-system barycentre, for geocentric mission times (TT)."""
    day = np.floor(met / SECONDS_PER_DAY)
    tt = Time(header["MJDREFI"] + day, header["MJDREFF"] + (met - day * SECONDS_PER_DAY) / SECONDS_PER_DAY,
              format="mjd", scale="tt")
    tdb = tt.tdb
    with solar_system_ephemeris.set("builtin"):
        earth = get_body_barycentric("earth", tdb).xyz.to_value(u.au)
        sun = get_body_barycentric("sun", tdb).xyz.to_value(u.au)
    n = direction(par, tdb)
    roemer = np.sum(earth * n, axis=0) * AU_LIGHT_SECONDS
    to_sun = sun - earth
    distance = np.sqrt(np.sum(to_sun**2, axis=0))
    cosine = np.sum(to_sun * n, axis=0) / distance
    shapiro = -SUN_SHAPIRO_SECONDS * np.log(distance * (1 - cosine))
    origin = Time(EPOCH_MJD, 0, format="mjd", scale="tdb")
    return (tdb - origin).to_value(u.s) + roemer - shapiro


def agreement(seconds, published, par):
    """rms, in cycles, between our phases and the published ones: as they are, and after a smooth correction.

    The catalogue's rotation is extrapolated over 15 years and its position is not the one used for the published
    phases, which gives a quadratic and an annual term; they are removed, nothing else.
    """
    days = EPOCH_MJD - float(par["PEPOCH"])
    f0, f1 = float(par["F0"]), float(par["F1"])
    x = np.longdouble(seconds) + np.longdouble(days) * SECONDS_PER_DAY
    turns = np.longdouble(f0) * x + np.longdouble(0.5 * f1) * x * x
    difference = np.asarray((turns - published) % 1, dtype=float)
    offset = np.angle(np.mean(np.exp(2j * np.pi * difference))) / (2 * np.pi)
    difference = (difference - offset + 0.5) % 1 - 0.5
    year = 2 * np.pi * seconds / (365.25 * SECONDS_PER_DAY)
    s = seconds / np.abs(seconds).max()
    terms = np.stack([np.ones_like(s), s, s * s, np.cos(year), np.sin(year)], axis=1)
    fit, *_ = np.linalg.lstsq(terms, difference, rcond=None)
    return np.std(difference), np.std(difference - terms @ fit)


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} FOLDER-WITH-FITS-AND-PAR OUT.csv")
    folder = pathlib.Path(sys.argv[1])
    par = read_par(folder / PAR)
    with fits.open(folder / FITS) as file:
        header, events = file["EVENTS"].header, file["EVENTS"].data
        if header["TIMESYS"].strip() != "TT" or header["TIMEREF"].strip() != "GEOCENTRIC":
            sys.exit("expected geocentric arrival times in TT")
        met = np.array(events["TIME"], dtype=np.float64)
        weight = np.array(events["PSRJ0030+0451"], dtype=np.float64)
        phase = np.array(events["PULSE_PHASE"], dtype=np.float64)
    seconds = barycentric_seconds(header, met, par)
    order = np.argsort(seconds)
    before, after = agreement(seconds, phase, par)
    with open(sys.argv[2], "w") as out:
        out.write("time_s,weight,phase\n")
        for i in order:
            out.write(f"{seconds[i]:.7f},{weight[i]:.6f},{phase[i]:.6f}\n")
    span = (seconds.max() - seconds.min()) / (365.25 * SECONDS_PER_DAY)
    print(f"{len(met)} photons over {span:.3f} years, time_s in TDB seconds since MJD {EPOCH_MJD} (TDB)")
    print(f"agreement with the published phases: {before:.4f} cycles rms as they are,")
    print(f"{after:.4f} cycles rms after removing a quadratic and an annual term")


if __name__ == "__main__":
    main()
