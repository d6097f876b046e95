-- SPDX-License-Identifier: GPL-2.0-or-later
-- load.sql - rows of lnkinspect --format=ndjson, in the file fleet.ndjson, as the view pcie in sqlite3
--
-- A line is one cell: no separator of the mode "ascii" is ever in JSON. true is 1, false is 0.
CREATE TABLE line(line TEXT);
.mode ascii
.separator "\037" "\n"
.import fleet.ndjson line
.mode list
.separator "|"
CREATE VIEW pcie AS SELECT
	line ->> 'schema' AS schema,
	line ->> 'version' AS version,
	line ->> 'kind' AS kind,
	line ->> 'machine' AS machine,
	line ->> 'source' AS source,
	line ->> 'line' AS line,
	line ->> 'time' AS time,
	line ->> 'guest' AS guest,
	line ->> 'hypervisor' AS hypervisor,
	line ->> 'product' AS product,
	line ->> 'kernel' AS kernel,
	line ->> 'link' AS link,
	line ->> 'address' AS address,
	line ->> 'vendor_id' AS vendor_id,
	line ->> 'device_id' AS device_id,
	line ->> 'subsystem_vendor_id' AS subsystem_vendor_id,
	line ->> 'subsystem_device_id' AS subsystem_device_id,
	line ->> 'class_id' AS class_id,
	line ->> 'class' AS class,
	line ->> 'name' AS name,
	line ->> 'driver' AS driver,
	line ->> 'serial' AS serial,
	line ->> 'emulated' AS emulated,
	line ->> 'reach' AS reach,
	line ->> 'max_gts' AS max_gts,
	line ->> 'max_width' AS max_width,
	line ->> 'max_gbytes_per_s' AS max_gbytes_per_s,
	line ->> 'current_gts' AS current_gts,
	line ->> 'current_width' AS current_width,
	line ->> 'current_gbytes_per_s' AS current_gbytes_per_s,
	line ->> 'port_address' AS port_address,
	line ->> 'port_vendor_id' AS port_vendor_id,
	line ->> 'port_device_id' AS port_device_id,
	line ->> 'port_name' AS port_name,
	line ->> 'port_virtual' AS port_virtual,
	line ->> 'port_max_gts' AS port_max_gts,
	line ->> 'port_max_width' AS port_max_width,
	line ->> 'port_max_gbytes_per_s' AS port_max_gbytes_per_s,
	line ->> 'port_current_gts' AS port_current_gts,
	line ->> 'port_current_width' AS port_current_width,
	line ->> 'port_current_gbytes_per_s' AS port_current_gbytes_per_s,
	line ->> 'state' AS state,
	line ->> 'verdict' AS verdict,
	line ->> 'lost' AS lost,
	line ->> 'findings' AS findings,
	line ->> 'n_findings' AS n_findings,
	line ->> 'worst' AS worst,
	line ->> 'expected' AS expected,
	line ->> 'n_expected' AS n_expected,
	line ->> 'n_functions' AS n_functions,
	line ->> 'n_links' AS n_links,
	line ->> 'n_lost' AS n_lost,
	line ->> 'n_errors' AS n_errors,
	line ->> 'n_warnings' AS n_warnings,
	line ->> 'n_notices' AS n_notices,
	line ->> 'n_infos' AS n_infos,
	line ->> 'status' AS status
FROM line;
